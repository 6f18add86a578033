//! Packages by name and by pattern, and databases and roots that are not as they should be.

use std::path::Path;
use std::process::Command;

use airlock_testkit::rpmbuild::{rpmbuild, small_spec};

use crate::scratch::{Ran, Scratch, some};

/// `kinds`, `kinds-needs` and `kinds-twin`, each with a file that differs.
fn damaged() -> Scratch {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0", "kinds-needs", "kinds-twin"]));
    for path in ["opt/kinds/plain", "opt/kinds/shared"] {
        std::fs::write(scratch.at(path), "changed\n").unwrap();
    }
    scratch
}

fn list(root: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airlock-agent"));
    command.args(["list", "--root"]).arg(root).args(arguments);
    command
        .env("HOME", "/root")
        .output()
        .expect("the agent runs")
        .into()
}

#[test]
fn all_takes_patterns_of_names_as_rpm_does() {
    let scratch = damaged();
    for patterns in [
        &["kinds*"][..],
        &["kinds-t*"],
        &["kinds"],
        &["*in*-twi[n]"],
        &["*-twin", "kinds-needs"],
        &["name=kinds-n*"],
        &["kinds-[^t]*"],
        &[""],
        // Labels are no names, and what nothing is called is no fault.
        &["kinds-twin-1.0-1"],
        &["nothing*"],
        &["nothing", "kinds-twin"],
    ] {
        let mut ours = vec!["-a"];
        ours.extend(patterns);
        let mut theirs = vec!["-Va"];
        theirs.extend(patterns);
        let lines = scratch.same(&ours, &theirs);
        let matches_some = !matches!(patterns[0], "kinds-twin-1.0-1" | "nothing*");
        assert_eq!(!lines.is_empty(), matches_some, "{patterns:?}");
    }
    let ran = scratch.agent(&["--all", "nothing*"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, "0 packages with 0 files checked\n");
    assert!(
        ran.stderr
            .contains("no installed package has a name like nothing*")
    );
}

#[test]
fn a_pattern_that_rpm_cannot_take_is_refused() {
    let scratch = damaged();
    for (pattern, says) in [
        ("kinds[", "[ without a ]"),
        ("version=1*", "by the tag 'version'"),
        ("{a,b}", "'{'"),
    ] {
        let ran = scratch.agent(&["-a", pattern]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{pattern}");
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
}

#[test]
fn names_come_in_the_order_that_they_were_given_in() {
    let scratch = damaged();
    for names in [
        &["kinds-twin", "nope", "kinds", "also-not", "kinds-needs"][..],
        &["kinds-twin", "kinds-twin"],
        // Versions, releases and architectures are patterns, names are not.
        &[
            "kinds-twin-1.*",
            "kinds-1.0-*",
            "kinds-tw*",
            "kinds-twin.x86*",
        ],
        &[
            "kinds-needs-3:1.0",
            "kinds-needs-3:*-1",
            "kinds-needs-1.0",
            "kinds-needs-2:1.0",
            "kinds-twin-0:1.0",
        ],
        &[""],
    ] {
        let mut theirs = vec!["-V"];
        theirs.extend(names);
        assert!(!scratch.same(names, &theirs).is_empty(), "{names:?}");
    }
}

#[test]
fn several_packages_of_one_name_come_as_in_rpm() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = Scratch::new();
    // Version 1 of `pair`, and a package that is called `pair-1`.
    let files = "%dir /opt/%{name}-%{version}";
    let install = "mkdir -p %{buildroot}/opt/%{name}-%{version}";
    let mut built = Vec::new();
    for (name, version) in [("pair", "2"), ("pair", "1"), ("pair-1", "7")] {
        let spec = format!(
            "{}\n%install\n{install}\n%files\n{files}\n",
            preamble(name, version)
        );
        built.extend(rpmbuild(&spec, &folder.path().join(format!("{name}-{version}"))).binaries);
    }
    scratch.install(&built);
    for folder in ["opt/pair-1", "opt/pair-2", "opt/pair-1-7"] {
        std::fs::remove_dir(scratch.at(folder)).unwrap();
    }
    assert_eq!(scratch.same(&["pair"], &["-V", "pair"]).len(), 2);
    let lines = scratch.same(&["pair-1"], &["-V", "pair-1"]);
    assert_eq!(lines, ["missing     /opt/pair-1-7"]);
    let ran = scratch.agent(&["pair-1"]);
    assert!(
        ran.stdout.contains("1 package with 1 file checked"),
        "{}",
        ran.stdout
    );
    assert_eq!(scratch.same(&["pair-1-1"], &["-V", "pair-1-1"]).len(), 1);
}

fn preamble(name: &str, version: &str) -> String {
    let spec = small_spec(name, version, "1", "");
    let end = spec.find("%install").or(spec.find("%files")).unwrap();
    spec[..end].to_owned()
}

#[test]
fn what_is_not_installed_is_not_said_to_be_in_order() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-twin"]));
    let ran = scratch.agent(&["nope", "--nodeps"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "nope\n    not installed\n0 packages with 0 files checked: 1 name is not installed\n"
    );
    let ran = scratch.agent(&["nope", "kinds-twin", "neither", "--nodeps"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.ends_with("checked: 2 names are not installed\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_root_that_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (absent, file) = (folder.path().join("absent"), folder.path().join("file"));
    std::fs::write(&file, "no folder\n").unwrap();
    for root in [absent.to_str().unwrap(), file.to_str().unwrap()] {
        for command in ["verify", "list"] {
            let ran: Ran = Command::new(env!("CARGO_BIN_EXE_airlock-agent"))
                .args([command, "--root", root])
                .output()
                .unwrap()
                .into();
            assert_eq!((ran.code, &*ran.stdout), (1, ""));
            assert!(
                ran.stderr
                    .starts_with(&format!("error: cannot look into the root {root}: "))
                    && ran
                        .stderr
                        .contains("name the folder that holds the files of a system"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_damaged_database_is_told_of_with_the_right_advice() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-twin", "kinds-old"]));
    let file = scratch.at("root/.rpmdb/rpmdb.sqlite");
    let status = Command::new("python3")
        .args(["-c", DAMAGE])
        .arg(&file)
        .status()
        .unwrap();
    assert!(status.success());
    // One record: the others are listed, as rpm does.
    let theirs = scratch.rpm(&["-qa"]);
    for arguments in [&[][..], &["--json"]] {
        let ran = list(scratch.root(), arguments);
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.contains("error: record 1 of the database"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("`rpm --rebuilddb`"), "{}", ran.stderr);
        assert!(
            !ran.stderr.contains("fetch the file again"),
            "{}",
            ran.stderr
        );
        match arguments {
            [] => assert_eq!(ran.stdout, theirs.stdout),
            _ => {
                let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
                assert_eq!(document["packages"].as_array().unwrap().len(), 1);
                assert_eq!(document["damaged"].as_array().unwrap().len(), 1);
            }
        }
    }
    // What the advice promises.
    assert_eq!(scratch.rpm(&["--rebuilddb"]).code, 0);
    assert_eq!(list(scratch.root(), &[]).code, 0);
    // All of it.
    std::fs::write(&file, "no database\n").unwrap();
    let ran = list(scratch.root(), &[]);
    assert_eq!(ran.code, 1);
    for part in [
        "is damaged at byte 0",
        "`rpm --rebuilddb`",
        "from a backup",
        "--dbpath",
    ] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    std::fs::write(&file, "").unwrap();
    let ran = list(scratch.root(), &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("rpmdb.sqlite is empty"),
        "{}",
        ran.stderr
    );
}

const DAMAGE: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute('update Packages set blob = ? where hnum = 1', (bytes(12),))
base.commit()
base.execute('pragma wal_checkpoint(truncate)')
";
