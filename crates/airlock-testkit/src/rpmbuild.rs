//! Packages made by rpmbuild itself, from a spec file: source packages, module labels, triggers, subpackages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{require, run_ok};

/// What one run of rpmbuild made.
#[derive(Debug, Clone)]
pub struct Built {
    /// The binary packages, sorted by path.
    pub binaries: Vec<PathBuf>,
    /// The source package.
    pub source: PathBuf,
}

/// Runs `rpmbuild -ba` over the text of a spec file and writes the results below `out/RPMS` and `out/SRPMS`.
///
/// Build host and build time are fixed, so that two runs with the same rpm give packages with equal headers.
///
/// # Panics
/// When rpmbuild is missing or fails.
#[must_use]
#[track_caller]
pub fn rpmbuild(spec: &str, out: &Path) -> Built {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let top = scratch.path();
    let file = top.join("package.spec");
    std::fs::write(&file, spec).expect("the spec file is written");
    run_ok(
        Command::new(require("rpmbuild"))
            .args(["-ba", "--nodeps", "--quiet"])
            .arg("--define")
            .arg(format!("_topdir {}", top.display()))
            .args(["--define", "_buildhost build.example.com"])
            .args(["--define", "use_source_date_epoch_as_buildtime 1"])
            .args(["--define", "_build_id_links none"])
            .args(["--define", "debug_package %{nil}"])
            .env("SOURCE_DATE_EPOCH", crate::rpms::BUILD_TIME.to_string())
            .env("HOME", top)
            .arg(&file),
    );
    let mut binaries = Vec::new();
    move_packages(&top.join("RPMS"), &out.join("RPMS"), &mut binaries);
    let mut sources = Vec::new();
    move_packages(&top.join("SRPMS"), &out.join("SRPMS"), &mut sources);
    let source = sources.pop().expect("rpmbuild -ba made a source package");
    Built { binaries, source }
}

fn move_packages(from: &Path, to: &Path, moved: &mut Vec<PathBuf>) {
    std::fs::create_dir_all(to).expect("the output folder is made");
    let mut folders = vec![from.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("rpmbuild made its folders")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let target = to.join(entry.file_name());
                std::fs::copy(&path, &target).expect("the package is copied");
                moved.push(target);
            }
        }
    }
    moved.sort();
}

/// The text of a small spec file: one noarch package with one file, and `extra` lines in its preamble
/// (`ModularityLabel: …`, `Requires: …`).
#[must_use]
pub fn small_spec(name: &str, version: &str, release: &str, extra: &str) -> String {
    format!(
        "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: The {name} package\nLicense: MIT\nBuildArch: noarch\n{extra}\n\
         %description\nMade by rpmbuild for tests.\n\
         %install\nmkdir -p %{{buildroot}}/usr/share/{name}\necho {version} > %{{buildroot}}/usr/share/{name}/version\n\
         %files\n/usr/share/{name}\n\
         %changelog\n* Thu Jan 01 2026 Airlock Tests <tests@example.com> - {version}-{release}\n- Built for tests\n"
    )
}
