//! The text of `rpm -V`.

use rustix::io::Errno;

use super::finding::{DependencyFault, PackageFindings};

/// The lines that `rpm -V` prints about a package, without line ends. Paths are bytes, as they are.
pub fn rpm_lines(findings: &PackageFindings) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    if !findings.dependencies.is_empty() {
        lines.push(format!("Unsatisfied dependencies for {}:", findings.package).into_bytes());
        for dependency in &findings.dependencies {
            let says = match dependency.fault {
                DependencyFault::Missing => "is needed by",
                DependencyFault::Conflict => "conflicts with",
                DependencyFault::Obsoleted => "is obsoleted by",
            };
            lines.push(
                format!(
                    "\t{} {says} (installed) {}",
                    dependency.text, dependency.package
                )
                .into_bytes(),
            );
        }
    }
    for file in &findings.files {
        let mut line = match file.missing {
            Some(_) => format!("missing   {} ", file.kind()),
            None => format!("{}  {} ", file.problems.columns(), file.kind()),
        }
        .into_bytes();
        line.extend_from_slice(&file.path);
        if let Some(number) = file.missing
            && number != Errno::NOENT.raw_os_error()
        {
            line.extend_from_slice(format!(" ({})", reason(number)).as_bytes());
        }
        lines.push(line);
    }
    lines
}

/// The system's words for an error, without the number that Rust adds.
fn reason(number: i32) -> String {
    let text = std::io::Error::from_raw_os_error(number).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
