//! Every `--help`: complete, with examples, within 100 columns, changed only on purpose.

use std::process::Command;

use airlock_testkit::process::airlock_binary;
use airlock_testkit::programs::run;

fn help(words: &[String]) -> String {
    run(Command::new(airlock_binary())
        .args(words)
        .arg("--help")
        .env("COLUMNS", "100"))
    .expect_success()
    .stdout
}

/// The names behind `Commands:`.
fn commands(text: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn walk(words: &[String], all: &mut String) {
    let text = help(words);
    all.push_str(&format!("$ airlock {} --help\n{text}\n", words.join(" ")));
    for line in text.lines() {
        assert!(
            line.chars().count() <= 100,
            "airlock {}: {line}",
            words.join(" ")
        );
    }
    assert!(
        text.contains("Examples:"),
        "airlock {} has no examples",
        words.join(" ")
    );
    for name in commands(&text) {
        let mut deeper = words.to_vec();
        deeper.push(name);
        walk(&deeper, all);
    }
}

#[test]
fn every_help_has_examples_and_changes_only_on_purpose() {
    let mut all = String::new();
    walk(&[], &mut all);
    insta::assert_snapshot!("help", all);
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let code = |words: &[&str]| {
        run(Command::new(airlock_binary())
            .args(words)
            .env_remove("AIRLOCK_DATA")
            .env_remove("AIRLOCK_SERVER")
            .env("HOME", "/nonexistent"))
        .code
    };
    assert_eq!(code(&["--help"]), 0);
    assert_eq!(code(&["--version"]), 0);
    assert_eq!(code(&["channel", "create", "el9-base", "--help"]), 0);
    for words in [
        &["nonsense"][..],
        &["channel"],
        &["channel", "sync"],
        &["channel", "sync", "el9-base", "--all"],
        &["channel", "sync", "el9-base", "--tree", "el9-base"],
        // No version behind the @: refused before any server is asked.
        &["channel", "packages", "el9-base@", "--data", "/nonexistent"],
        &[
            "channel",
            "promote",
            "el9-test@",
            "el9-prod",
            "--data",
            "/nonexistent",
        ],
        &["serve", "--workers", "0", "--data", "/nonexistent/data"],
        &["channel", "create", "BAD LABEL", "--data", "/nonexistent"],
        &["channel", "create", "el9-base", "--policy", "sometimes"],
        &["--data", "/x", "--server", "http://h", "task", "list"],
        &["--server", "ftp://h", "task", "list"],
        &["serve", "--listen", "nowhere"],
        &[
            "push",
            "-c",
            "el9-base",
            "/nonexistent.rpm",
            "--server",
            "x",
        ],
    ] {
        assert_eq!(code(words), 2, "{words:?}");
    }
    let said = run(Command::new(airlock_binary()).args(["channel", "sync"])).stderr;
    let lacks = "required arguments were not provided:\n  <LABEL|--all|--tree <LABEL>>";
    assert!(said.contains(lacks), "{said}");
    let said = run(Command::new(airlock_binary()).args([
        "channel",
        "errata",
        "el9-base@",
        "--data",
        "/nonexistent",
    ]))
    .stderr;
    assert!(said.contains("names no version behind its @"), "{said}");
    let serve = ["serve", "--data", "/nonexistent/data"];
    let many = run(Command::new(airlock_binary())
        .args(serve)
        .env("AIRLOCK_WORKERS", "0"));
    assert_eq!(many.code, 2, "{}", many.stderr);
    assert!(many.stderr.contains("1 to 64"), "{}", many.stderr);
}

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(Command::new(airlock_binary()).args(["completions", "bash"]))
        .expect_success()
        .stdout;
    assert!(text.contains("_airlock"));
    let _ = run(Command::new(airlock_binary()).arg("man").arg(folder.path())).expect_success();
    assert!(
        folder.path().join("airlock.1").exists()
            && folder.path().join("airlock-channel-sync.1").exists()
    );
}

/// Runs it with a standard output that nobody reads.
fn unread(words: &[&str]) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(airlock_binary())
        .args(words)
        .stdout(writer)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let rpm = airlock_testkit::rpms::Rpm::new("tool", "1", "1").bytes();
    std::fs::write(folder.path().join("tool-1-1.noarch.rpm"), rpm).unwrap();
    let path = folder.path().to_str().unwrap();
    for words in [
        &["completions", "bash"][..],
        &["--help"],
        &["createrepo", "--help"],
        &["createrepo", "--version"],
        &["createrepo", "-v", path],
        &["pkgmgr", "gen", "-P", "-d", path],
        &["clone-by-date", "--sample-config"],
    ] {
        assert_eq!(unread(words), (0, String::new()), "{words:?}");
    }
    // What was begun is done all the same.
    assert!(folder.path().join("repodata/repomd.xml").is_file());
}

#[test]
fn createrepos_usage_has_the_name_that_it_was_called_by() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("createrepo_c");
    std::os::unix::fs::symlink(airlock_binary(), &link).unwrap();
    let own = run(Command::new(airlock_binary()).args(["createrepo", "--help"])).expect_success();
    assert!(
        own.stdout.contains("Usage: airlock createrepo [OPTIONS] "),
        "{}",
        own.stdout
    );
    let old = run(Command::new(link).arg("--help")).expect_success();
    assert!(
        old.stdout.contains("Usage: createrepo_c [OPTIONS] "),
        "{}",
        old.stdout
    );
}
