//! updateinfo.xml as vendors write it.

use std::fmt::Write;

use super::escaped;
use crate::rpms::Rpm;

/// One advisory. Public fields: a test sets what it is about and leaves the rest.
#[derive(Debug, Clone)]
pub struct Erratum {
    /// `EX-2026:0001`
    pub id: String,
    /// `security`, `bugfix`, `enhancement` or `newpackage`.
    pub kind: String,
    /// `Critical`, `Important`, `Moderate`, `Low`; `None` leaves the element out.
    pub severity: Option<String>,
    /// One line.
    pub title: String,
    /// Free text.
    pub description: String,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    pub issued: String,
    /// As `issued`; `None` leaves the element out.
    pub updated: Option<String>,
    /// The `from` attribute; `None` leaves it out, as some third parties do.
    pub from: Option<String>,
    /// The `version` attribute.
    pub version: String,
    /// CVE names.
    pub cves: Vec<String>,
    /// Numbers of a bug tracker.
    pub bugs: Vec<String>,
    /// Whether a reboot is suggested.
    pub reboot: bool,
    /// `name:stream:version:context:arch` of the module that it is about.
    pub module: Option<[String; 5]>,
    packages: Vec<Package>,
}

#[derive(Debug, Clone)]
struct Package {
    name: String,
    epoch: u32,
    version: String,
    release: String,
    arch: String,
    file: String,
}

impl Erratum {
    /// An advisory of the given kind about nothing yet.
    #[must_use]
    pub fn new(id: &str, kind: &str, issued: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            severity: None,
            title: format!("{id}: {kind} update"),
            description: format!("What {id} changes, in words & with <signs>."),
            issued: issued.to_owned(),
            updated: None,
            from: Some("errata@example.com".to_owned()),
            version: "1".to_owned(),
            cves: Vec::new(),
            bugs: Vec::new(),
            reboot: false,
            module: None,
            packages: Vec::new(),
        }
    }

    /// A security advisory with a severity and its CVEs.
    #[must_use]
    pub fn security(id: &str, severity: &str, issued: &str, cves: &[&str]) -> Self {
        let mut erratum = Self::new(id, "security", issued);
        erratum.severity = Some(severity.to_owned());
        erratum.cves = cves.iter().map(|&cve| cve.to_owned()).collect();
        erratum
    }

    /// Names a package that the advisory ships.
    #[must_use]
    pub fn package(mut self, rpm: &Rpm) -> Self {
        let (name, epoch, version, release, arch) = rpm.parts();
        self.packages.push(Package {
            name: name.to_owned(),
            epoch,
            version: version.to_owned(),
            release: release.to_owned(),
            arch: arch.to_owned(),
            file: rpm.file_name(),
        });
        self
    }

    /// Adds the number of a bug.
    #[must_use]
    pub fn bug(mut self, number: &str) -> Self {
        self.bugs.push(number.to_owned());
        self
    }

    /// Sets the day of the last change and raises the version.
    #[must_use]
    pub fn updated(mut self, instant: &str, version: &str) -> Self {
        self.updated = Some(instant.to_owned());
        version.clone_into(&mut self.version);
        self
    }

    /// Suggests a reboot.
    #[must_use]
    pub fn reboot(mut self) -> Self {
        self.reboot = true;
        self
    }
}

/// The text of updateinfo.xml.
#[must_use]
pub fn updateinfo_xml(errata: &[Erratum]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n");
    for erratum in errata {
        write_update(&mut out, erratum).expect("writing to memory does not fail");
    }
    out.push_str("</updates>\n");
    out
}

fn write_update(out: &mut String, erratum: &Erratum) -> std::fmt::Result {
    out.push_str("  <update ");
    if let Some(from) = &erratum.from {
        write!(out, "from=\"{}\" ", escaped(from))?;
    }
    writeln!(
        out,
        "status=\"final\" type=\"{}\" version=\"{}\">",
        escaped(&erratum.kind),
        escaped(&erratum.version)
    )?;
    writeln!(out, "    <id>{}</id>", escaped(&erratum.id))?;
    writeln!(out, "    <title>{}</title>", escaped(&erratum.title))?;
    writeln!(out, "    <issued date=\"{}\"/>", escaped(&erratum.issued))?;
    if let Some(updated) = &erratum.updated {
        writeln!(out, "    <updated date=\"{}\"/>", escaped(updated))?;
    }
    writeln!(
        out,
        "    <rights>Copyright of the tests</rights>\n    <release>Example 9</release>"
    )?;
    if let Some(severity) = &erratum.severity {
        writeln!(out, "    <severity>{}</severity>", escaped(severity))?;
    }
    writeln!(out, "    <summary>{}</summary>", escaped(&erratum.title))?;
    writeln!(
        out,
        "    <description>{}</description>",
        escaped(&erratum.description)
    )?;
    writeln!(out, "    <references>")?;
    for cve in &erratum.cves {
        writeln!(
            out,
            "      <reference href=\"https://example.com/cve/{0}\" id=\"{0}\" type=\"cve\" title=\"{0}\"/>",
            escaped(cve)
        )?;
    }
    for bug in &erratum.bugs {
        writeln!(
            out,
            "      <reference href=\"https://example.com/bug/{0}\" id=\"{0}\" type=\"bugzilla\" title=\"Bug {0}\"/>",
            escaped(bug)
        )?;
    }
    writeln!(
        out,
        "    </references>\n    <pkglist>\n      <collection short=\"EX9\">\n        <name>Example 9</name>"
    )?;
    if let Some([name, stream, version, context, arch]) = &erratum.module {
        writeln!(
            out,
            "        <module name=\"{}\" stream=\"{}\" version=\"{}\" context=\"{}\" arch=\"{}\"/>",
            escaped(name),
            escaped(stream),
            escaped(version),
            escaped(context),
            escaped(arch)
        )?;
    }
    for package in &erratum.packages {
        writeln!(
            out,
            "        <package name=\"{}\" version=\"{}\" release=\"{}\" epoch=\"{}\" arch=\"{}\" src=\"{}-{}-{}.src.rpm\">\n          <filename>{}</filename>",
            escaped(&package.name),
            escaped(&package.version),
            escaped(&package.release),
            package.epoch,
            escaped(&package.arch),
            escaped(&package.name),
            escaped(&package.version),
            escaped(&package.release),
            escaped(&package.file)
        )?;
        if erratum.reboot {
            writeln!(out, "          <reboot_suggested>True</reboot_suggested>")?;
        }
        writeln!(out, "        </package>")?;
    }
    writeln!(out, "      </collection>\n    </pkglist>\n  </update>")
}
