//! What the program has beside rpm.

use crate::scratch::{Scratch, signed, some};

#[test]
fn a_verify_script_is_told_of_and_not_run() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-script"]));
    let ran = scratch.agent(&["--nodeps"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("1 package brings a script"),
        "{}",
        ran.stdout
    );
    let ran = scratch.agent(&["--nodeps", "--noscripts"]);
    assert_eq!(
        ran.stdout,
        "1 package with 0 files checked: nothing differs\n"
    );
    scratch.same(&["--noscripts"], &["-Va", "--noscripts"]);
    // As rpm takes them: twice, and what it no longer compares.
    let twice = ["--nodeps", "--noscripts", "--nodeps", "--nocontexts"];
    assert_eq!(scratch.agent(&twice).code, 0);
}

#[test]
fn a_key_that_is_not_imported_is_a_finding_until_it_is() {
    let scratch = Scratch::new();
    let signed = signed();
    scratch.install(&signed.packages);
    let ran = scratch.agent(&["--nodeps"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let line = format!(
        "signature: signed by key {}, which is not among the accepted keys",
        signed.key_id
    );
    assert_eq!(ran.stdout.matches(&line).count(), 2, "{}", ran.stdout);
    // It is none of rpm's lines.
    assert_eq!(scratch.agent(&["--nodeps", "--rpm-format"]).stdout, "");
    assert_eq!(scratch.agent(&["--nodeps", "--nosignature"]).code, 0);
    let key = signed.public_key.to_str().unwrap();
    assert_eq!(scratch.rpm(&["--import", key]).code, 0);
    let ran = scratch.agent(&["--nodeps"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_record_that_was_changed_in_the_database_is_a_finding() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-twin", "kinds-old"]));
    // The names of two files of the same length.
    let file = scratch.at("root/.rpmdb/rpmdb.sqlite");
    let status = std::process::Command::new("python3")
        .args(["-c", CHANGE])
        .arg(&file)
        .status()
        .unwrap();
    assert!(status.success());
    let ran = scratch.agent(&["--nodeps", "--nofiles", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let package = &document["packages"][0];
    assert_eq!(package["package"], "kinds-twin-1.0-1.x86_64");
    assert_eq!(package["header"][0]["what"], "digest");
    assert_eq!(document["packages"].as_array().unwrap().len(), 1);
    assert_eq!(
        scratch.agent(&["--nodeps", "--nofiles", "--nodigest"]).code,
        0
    );
}

const CHANGE: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
for number, blob in base.execute('select hnum, blob from Packages').fetchall():
    other = blob.replace(b'Shares files with kinds', b'Shares files with minds')
    base.execute('update Packages set blob = ? where hnum = ?', (other, number))
base.commit()
";

#[test]
fn only_what_changed_is_read_again() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0"]));
    let state = scratch.at("state");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let at = |name: &str| scratch.at("opt/kinds").join(name);
    let incremental = [
        "--nodeps",
        "--incremental",
        "--state",
        state.to_str().unwrap(),
    ];
    assert_eq!(scratch.agent(&incremental).code, 0);
    let wait = |path: &std::path::Path| {
        // Until what was written is old enough to be remembered.
        let changed = std::fs::metadata(path).unwrap();
        let time = std::os::unix::fs::MetadataExt::ctime(&changed) as u64;
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time + 4);
        while std::time::SystemTime::now() < old {
            std::thread::yield_now();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    wait(&at("plain"));
    assert_eq!(scratch.agent(&incremental).code, 0);
    assert!(std::fs::metadata(&state).unwrap().len() > 500);
    // Content, with size and time as before: the time of change gives it away.
    std::fs::write(at("content"), "CONTENT of kinds\n").unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(at("content"))
        .unwrap();
    file.set_modified(old).unwrap();
    let ran = scratch.agent(&incremental);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("/opt/kinds/content: "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("content differs"), "{}", ran.stdout);
    // What differs stays a finding.
    assert_eq!(scratch.agent(&incremental).stdout, ran.stdout);
    // A file that remembers something else is ignored.
    std::fs::write(&state, "airlock-verify 1 and more").unwrap();
    assert_eq!(scratch.agent(&incremental).stdout, ran.stdout);
}

#[test]
fn nothing_is_remembered_inside_another_root_unasked() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-twin"]));
    let ran = scratch.agent(&["--incremental"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("--state"), "{}", ran.stderr);
    assert!(!scratch.at("var").exists());
}

#[test]
fn gentle_and_full_speed_find_the_same() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0"]));
    std::fs::write(scratch.at("opt/kinds/plain"), "x").unwrap();
    let lines = scratch.agent(&["--rpm-format", "--nodeps"]).stdout;
    assert_eq!(lines, "S.5....T.    /opt/kinds/plain\n");
    for options in [
        &["--full-speed"][..],
        &["--threads", "1"],
        &["--threads", "7", "--full-speed"],
        &["--threads", "1000000"],
        &["--max-rate", "50M"],
    ] {
        let mut arguments = vec!["--rpm-format", "--nodeps"];
        arguments.extend(options);
        assert_eq!(scratch.agent(&arguments).stdout, lines, "{options:?}");
    }
}

#[test]
fn the_document_has_its_members() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-twin", "kinds-needs"]));
    std::fs::remove_file(scratch.at("opt/kinds/shared")).unwrap();
    std::fs::write(scratch.at("opt/kinds/sharedtime"), "x").unwrap();
    let ran = scratch.agent(&["--json", "kinds-twin", "absent"]);
    assert_eq!(ran.code, 1);
    let mut document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for member in ["root", "database"] {
        assert!(document.as_object_mut().unwrap().remove(member).is_some());
    }
    let files = &mut document["packages"][0]["files"];
    assert_eq!(files[1]["differences"][0]["what"], "mtime");
    files[1]["differences"][0]["found"] = 0.into();
    files[1]["differences"][0]["expected"] = 0.into();
    files[1]["differences"][2]["found"] = "".into();
    insta::assert_json_snapshot!(document);
}
