//! A real transaction of rpm beside the read, and files that change under the pass.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use airlock_rpm::db::{Database, Error};

use crate::scratch::{Scratch, packages, some};

#[test]
fn reads_beside_real_transactions_give_one_state_each() {
    let scratch = Scratch::new();
    let base = some(&["kinds-1.0", "kinds-needs", "kinds-twin", "kinds-aliases"]);
    scratch.install(&base);
    let toggled = some(&["kinds-old", "kinds-script"]);
    let names = |database: &Database| -> Result<BTreeSet<String>, Error> {
        database
            .packages()?
            .into_iter()
            .map(|one| {
                let installed = one?;
                assert_eq!(installed.verify_digests().first_bad(), None);
                Ok(String::from_utf8(installed.name().to_vec()).unwrap())
            })
            .collect()
    };
    let database = Database::open(scratch.root(), None).unwrap();
    let always = names(&database).unwrap();
    assert_eq!(always.len(), 4);
    let ends = AtomicBool::new(false);
    let (mut read, mut with, mut without) = (0, 0, 0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..6 {
                scratch.install(&toggled);
                let ran =
                    scratch.rpm(&["-e", "--nodeps", "--noscripts", "kinds-old", "kinds-script"]);
                assert_eq!(ran.code, 0, "{}", ran.stderr);
            }
            ends.store(true, Ordering::Relaxed);
        });
        while !ends.load(Ordering::Relaxed) && !writer.is_finished() {
            match names(&database) {
                Ok(found) => {
                    assert!(found.is_superset(&always), "{found:?}");
                    match found.contains("kinds-old") {
                        true => with += 1,
                        false => without += 1,
                    }
                    read += 1;
                }
                Err(Error::Busy { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        writer.join().unwrap();
    });
    assert!(
        read > 0,
        "{read} read, {with} with the package, {without} without"
    );
    assert_eq!(names(&database).unwrap(), always);
}

#[test]
fn a_pass_beside_real_transactions_never_fails_the_packages_that_stay() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0", "kinds-twin"]));
    let toggled = some(&["kinds-aliases"]);
    let ends = AtomicBool::new(false);
    let mut passes = 0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..5 {
                scratch.install(&toggled);
                let ran = scratch.rpm(&["-e", "--nodeps", "kinds-aliases"]);
                assert_eq!(ran.code, 0, "{}", ran.stderr);
            }
            ends.store(true, Ordering::Relaxed);
        });
        while !ends.load(Ordering::Relaxed) && !writer.is_finished() {
            let ran = scratch.agent(&["--rpm-format", "--nodeps"]);
            if ran.stderr.contains("is being changed") {
                continue;
            }
            // The package that comes and goes may be seen before its file.
            let others: Vec<&str> = ran
                .stdout
                .lines()
                .filter(|line| !line.contains("/usr/bin/tool"))
                .collect();
            assert_eq!(others, Vec::<&str>::new(), "{}", ran.stderr);
            passes += 1;
        }
        writer.join().unwrap();
    });
    assert!(passes > 0);
    assert_eq!(scratch.agent(&["--nodeps"]).code, 0);
}

#[test]
fn files_that_vanish_and_come_back_are_missing_or_good() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0"]));
    let at = |name: &str| scratch.at("opt/kinds").join(name);
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                std::fs::rename(at("vanish"), at("away")).unwrap();
                std::fs::rename(at("away"), at("vanish")).unwrap();
            }
        });
        for _ in 0..30 {
            let ran = scratch.agent(&["--rpm-format", "--nodeps"]);
            let allowed = ["", "missing     /opt/kinds/vanish\n"];
            let found = ran.stdout.as_str();
            if !allowed.contains(&found) {
                ends.store(true, Ordering::Relaxed);
                panic!("{found}{}", ran.stderr);
            }
        }
        ends.store(true, Ordering::Relaxed);
    });
}

#[test]
fn links_in_a_circle_and_folders_that_became_something_else_are_findings() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0"]));
    let kinds = scratch.at("opt/kinds");
    std::fs::rename(&kinds, scratch.at("opt/away")).unwrap();
    symlink("kinds", &kinds).unwrap();
    let lines = scratch.same(&["--nodeps"], &["-Va", "--nodeps"]);
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("(Too many levels of symbolic links)")),
        "{lines:?}"
    );
    std::fs::remove_file(&kinds).unwrap();
    std::fs::write(&kinds, "a file").unwrap();
    scratch.same(&["--nodeps"], &["-Va", "--nodeps"]);
    std::fs::remove_file(&kinds).unwrap();
    scratch.same(&["--nodeps"], &["-Va", "--nodeps"]);
}

#[test]
fn files_that_cannot_be_read_are_findings_with_a_question_mark() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0", "kinds-twin"]));
    let at = |name: &str| scratch.at("opt/kinds").join(name);
    let mode = |name: &str| {
        let none = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        std::fs::set_permissions(at(name), none).unwrap();
    };
    mode("unreadable");
    // Somebody else than root, who may look at the root and at its database.
    for path in ["", "root", "root/.rpmdb", "root/.rpmdb/rpmdb.sqlite"] {
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(scratch.at(path), all).unwrap();
    }
    let program = scratch.at("airlock-agent");
    std::fs::copy(env!("CARGO_BIN_EXE_airlock-agent"), &program).unwrap();
    let output = std::process::Command::new("setpriv")
        .args(["--reuid", "4711", "--regid", "4712", "--clear-groups"])
        .arg(&program)
        .args(["verify", "--rpm-format", "--nodeps", "--root"])
        .arg(scratch.root())
        .arg("kinds")
        .env("HOME", "/root")
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        found.contains(".M?......    /opt/kinds/unreadable\n"),
        "{found}{said}"
    );
    assert_eq!(output.status.code(), Some(1), "{found}{said}");
    assert!(packages().len() > 5);
}
