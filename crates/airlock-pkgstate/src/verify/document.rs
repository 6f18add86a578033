//! A report as JSON for machines, and as text for people.

use std::fmt::Write;

use airlock_rpm::signature::Verdict;
use serde::Serialize;

use super::Machine;
use super::finding::{
    DependencyFault, DependencyFinding, Difference, FileFinding, HeaderFinding, PackageFindings,
};
use super::pass::Report;

/// Version of the JSON document. Members are added without a new one; none is removed or changes its meaning.
pub const DOCUMENT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'r> {
    format: &'static str,
    version: u32,
    root: String,
    database: DatabaseDocument,
    good: bool,
    packages_checked: usize,
    files_checked: usize,
    not_installed: &'r [String],
    packages: Vec<PackageDocument<'r>>,
}

#[derive(Serialize)]
struct DatabaseDocument {
    kind: String,
    file: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<String>,
}

#[derive(Serialize)]
struct PackageDocument<'r> {
    package: &'r str,
    number: u32,
    header: Vec<HeaderDocument<'r>>,
    dependencies: Vec<DependencyDocument<'r>>,
    files: Vec<FileDocument<'r>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verify_script_not_run: bool,
}

#[derive(Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum HeaderDocument<'r> {
    Digest {
        kind: &'r str,
        expected: &'r str,
        found: &'r str,
    },
    Signature {
        verdict: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        text: String,
    },
    Unusable {
        text: &'r str,
    },
}

#[derive(Serialize)]
struct DependencyDocument<'r> {
    fault: &'static str,
    dependency: &'r str,
    by: &'r str,
}

#[derive(Serialize)]
struct FileDocument<'r> {
    path: String,
    /// Present when the path is not UTF-8: its bytes in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    /// The columns of `rpm -V`, or `missing`.
    columns: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_because: Option<String>,
    differences: Vec<DifferenceDocument<'r>>,
}

#[derive(Serialize)]
struct DifferenceDocument<'r> {
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'r str>,
    expected: serde_json::Value,
    found: serde_json::Value,
}

/// The report as a JSON document; see docs/verify.md for its members.
pub fn document(machine: &Machine, report: &Report) -> String {
    let location = machine.database().location();
    let document = Document {
        format: "airlock-verify",
        version: DOCUMENT_VERSION,
        root: machine.root().path().display().to_string(),
        database: DatabaseDocument {
            kind: location.kind.to_string(),
            file: location.file.display().to_string(),
            beside: location
                .others
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
        },
        good: report.is_good(),
        packages_checked: report.package_count,
        files_checked: report.file_count,
        not_installed: &report.not_installed,
        packages: report.packages.iter().map(package_document).collect(),
    };
    // Texts and numbers only: nothing here can fail.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn package_document(findings: &PackageFindings) -> PackageDocument<'_> {
    PackageDocument {
        package: &findings.package,
        number: findings.number,
        header: findings.header.iter().map(header_document).collect(),
        dependencies: findings
            .dependencies
            .iter()
            .map(dependency_document)
            .collect(),
        files: findings.files.iter().map(file_document).collect(),
        verify_script_not_run: findings.has_script,
    }
}

fn header_document(finding: &HeaderFinding) -> HeaderDocument<'_> {
    match finding {
        HeaderFinding::Digest {
            kind,
            expected,
            found,
        } => HeaderDocument::Digest {
            kind,
            expected,
            found,
        },
        HeaderFinding::Signature { verdict } => HeaderDocument::Signature {
            verdict: verdict_word(verdict),
            key: match verdict {
                Verdict::UnknownKey { key_id } => key_id.map(|id| id.to_string()),
                Verdict::Expired { fingerprint } | Verdict::Revoked { fingerprint } => {
                    Some(fingerprint.to_string())
                }
                _ => None,
            },
            text: verdict.to_string(),
        },
        HeaderFinding::Unusable { why } => HeaderDocument::Unusable { text: why },
    }
}

fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Good { .. } => "good",
        Verdict::Unsigned => "unsigned",
        Verdict::UnknownKey { .. } => "unknown-key",
        Verdict::Bad { .. } => "bad",
        Verdict::Expired { .. } => "expired",
        Verdict::Revoked { .. } => "revoked",
        Verdict::Weak { .. } => "weak",
        _ => "unsupported",
    }
}

fn dependency_document(finding: &DependencyFinding) -> DependencyDocument<'_> {
    DependencyDocument {
        fault: match finding.fault {
            DependencyFault::Missing => "missing",
            DependencyFault::Conflict => "conflict",
            DependencyFault::Obsoleted => "obsoleted",
        },
        dependency: &finding.text,
        by: &finding.package,
    }
}

fn file_document(finding: &FileFinding) -> FileDocument<'_> {
    FileDocument {
        path: String::from_utf8_lossy(&finding.path).into_owned(),
        path_bytes: std::str::from_utf8(&finding.path)
            .is_err()
            .then(|| hex(&finding.path)),
        columns: match finding.missing {
            Some(_) => "missing".to_owned(),
            None => finding.problems.columns(),
        },
        kind: finding.kind().to_string().trim().to_owned(),
        missing_because: finding
            .missing
            .map(|number| std::io::Error::from_raw_os_error(number).to_string()),
        differences: finding
            .differences
            .iter()
            .map(difference_document)
            .collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn difference_document(difference: &Difference) -> DifferenceDocument<'_> {
    let what = word(difference);
    let mut algorithm = None;
    let (expected, found) = match difference {
        Difference::Size { expected, found } => ((*expected).into(), (*found).into()),
        Difference::Mtime { expected, found } => ((*expected).into(), (*found).into()),
        Difference::Digest {
            algorithm: name, ..
        } => {
            algorithm = Some(name.as_str());
            let (expected, found) = values(difference);
            (expected.into(), found.into())
        }
        Difference::Unreadable { why } => (serde_json::Value::Null, why.clone().into()),
        other => {
            let (expected, found) = values(other);
            (expected.into(), found.into())
        }
    };
    DifferenceDocument {
        what,
        algorithm,
        expected,
        found,
    }
}

/// One word for what differs.
fn word(difference: &Difference) -> &'static str {
    match difference {
        Difference::Size { .. } => "size",
        Difference::Mode { .. } => "mode",
        Difference::Digest { .. } => "digest",
        Difference::Device { .. } => "device",
        Difference::Link { .. } => "link",
        Difference::User { .. } => "user",
        Difference::Group { .. } => "group",
        Difference::Mtime { .. } => "mtime",
        Difference::Capabilities { .. } => "capabilities",
        Difference::Unreadable { .. } => "unreadable",
    }
}

/// Both values as text.
fn values(difference: &Difference) -> (String, String) {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match difference {
        Difference::Size { expected, found } => (expected.to_string(), found.to_string()),
        Difference::Mode { expected, found } => (format!("{expected:o}"), format!("{found:o}")),
        Difference::Device { expected, found } => (format!("{expected:#x}"), format!("{found:#x}")),
        Difference::Link { expected, found } => (lossy(expected), lossy(found)),
        Difference::Mtime { expected, found } => (expected.to_string(), found.to_string()),
        Difference::Digest {
            expected, found, ..
        }
        | Difference::User { expected, found }
        | Difference::Group { expected, found }
        | Difference::Capabilities { expected, found } => (expected.clone(), found.clone()),
        Difference::Unreadable { why } => (String::new(), why.clone()),
    }
}

/// The report as text for people: a package and below it what was found.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for findings in report.packages.iter().filter(|one| !one.is_good()) {
        let _ = writeln!(out, "{}", findings.package);
        for finding in &findings.header {
            let _ = match finding {
                HeaderFinding::Digest {
                    kind,
                    expected,
                    found,
                } => writeln!(
                    out,
                    "    database: {kind} is {found}, not {expected}: the record was damaged or changed"
                ),
                HeaderFinding::Signature { verdict } => writeln!(out, "    signature: {verdict}"),
                HeaderFinding::Unusable { why } => {
                    writeln!(out, "    database: the record cannot be used: {why}")
                }
            };
        }
        for finding in &findings.dependencies {
            let _ = match finding.fault {
                DependencyFault::Missing if finding.package == findings.package => {
                    writeln!(out, "    needs {}", finding.text)
                }
                DependencyFault::Missing => {
                    writeln!(out, "    makes {} need {}", finding.package, finding.text)
                }
                DependencyFault::Conflict if finding.package == findings.package => {
                    writeln!(out, "    conflicts with {}", finding.text)
                }
                DependencyFault::Conflict => writeln!(
                    out,
                    "    {} conflicts with {}",
                    finding.package, finding.text
                ),
                DependencyFault::Obsoleted if finding.package == findings.package => {
                    writeln!(out, "    obsoletes {}, which is installed", finding.text)
                }
                DependencyFault::Obsoleted => {
                    writeln!(out, "    obsoleted by {}", finding.package)
                }
            };
        }
        for file in &findings.files {
            file_text(&mut out, file);
        }
    }
    for name in &report.not_installed {
        let _ = writeln!(out, "{name}\n    not installed");
    }
    let scripts = report.packages.iter().filter(|one| one.has_script).count();
    if scripts > 0 {
        let bring = many(scripts, "package brings", "packages bring");
        let _ = writeln!(
            out,
            "{bring} a script for verification, which was not run (rpm -V runs it)"
        );
    }
    let bad = report.packages.iter().filter(|one| !one.is_good()).count();
    let differing: usize = report.packages.iter().map(|one| one.files.len()).sum();
    let mut says = Vec::new();
    if bad > 0 {
        says.push(format!(
            "{} in {}",
            many(bad, "package differs", "packages differ"),
            many(differing, "file", "files")
        ));
    }
    match report.not_installed.len() {
        // Of nothing it cannot be said.
        0 if bad == 0 && report.package_count > 0 => says.push("nothing differs".to_owned()),
        0 => {}
        names => says.push(many(
            names,
            "name is not installed",
            "names are not installed",
        )),
    }
    let _ = writeln!(
        out,
        "{} with {} checked{}{}",
        many(report.package_count, "package", "packages"),
        many(report.file_count, "file", "files"),
        if says.is_empty() { "" } else { ": " },
        says.join(", ")
    );
    out
}

/// A number with its noun.
fn many(count: usize, one: &str, more: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    }
}

/// A time for people.
fn time_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn file_text(out: &mut String, file: &FileFinding) {
    let path = String::from_utf8_lossy(&file.path);
    let kind = match file.kind() {
        'c' => " (configuration)",
        'd' => " (documentation)",
        'g' => " (ghost)",
        'l' => " (licence)",
        'r' => " (readme)",
        _ => "",
    };
    if let Some(number) = file.missing {
        let why = match number {
            2 => String::new(),
            number => format!(": {}", std::io::Error::from_raw_os_error(number)),
        };
        let _ = writeln!(out, "    missing  {path}{kind}{why}");
        return;
    }
    let said: Vec<String> = file
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Digest { .. } => "content differs".to_owned(),
            Difference::Unreadable { why } => format!("cannot be read ({why})"),
            Difference::Mtime { expected, found } => {
                format!("time {}, not {}", time_text(*found), time_text(*expected))
            }
            other => {
                let (expected, found) = values(other);
                format!("{} {found}, not {expected}", word(other))
            }
        })
        .collect();
    let _ = writeln!(out, "    changed  {path}{kind}: {}", said.join(", "));
}
