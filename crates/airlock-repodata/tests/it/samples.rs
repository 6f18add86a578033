//! Real and made metadata for tests.

use std::path::{Path, PathBuf};

/// The folder of samples given beside the project, where there is one.
pub fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("AIRLOCK_SAMPLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    root.join(path)
}

/// A primary file with these packages as they are.
pub fn primary(packages: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"1\">\n{packages}\n</metadata>\n"
    )
}

/// A whole package for primary, with `more` before its end.
pub fn package(name: &str, more: &str) -> String {
    format!(
        "<package type=\"rpm\">\n  <name>{name}</name>\n  <arch>noarch</arch>\n  <version epoch=\"1\" ver=\"2.0\" rel=\"3.el9\"/>\n  <checksum type=\"sha256\" pkgid=\"YES\">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>\n  <summary>A &lt;summary&gt;</summary>\n  <description/>\n  <packager>P</packager>\n  <url>http://x/</url>\n  <time file=\"1700000000\" build=\"1600000000.7\"/>\n  <size package=\"10\" installed=\"20\" archive=\"30\"/>\n  <location href=\"Packages/{name}-2.0-3.el9.noarch.rpm\"/>\n  <format>\n    <rpm:license>MIT</rpm:license>\n    <rpm:sourcerpm>{name}-2.0-3.el9.src.rpm</rpm:sourcerpm>\n    <rpm:header-range start=\"4504\" end=\"9000\"/>\n{more}  </format>\n</package>"
    )
}
