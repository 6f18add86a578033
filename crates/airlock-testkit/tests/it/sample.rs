//! The sample distribution of the quick start, read by the real client.

use std::process::Command;

use airlock_testkit::dnf::Dnf;
use airlock_testkit::programs::{run, run_ok, workspace};

#[test]
fn dnf_follows_the_sample_distribution_through_its_states() {
    let folder = tempfile::tempdir().unwrap();
    let script = workspace().join("scripts/make-sample-distribution");
    let printed = run_ok(Command::new(&script).arg(folder.path()));
    let url = format!("file://{}", printed.trim());
    let mut dnf = Dnf::new();
    dnf.repo("meadow", &url, Some(&format!("{url}/RPM-GPG-KEY-meadow")))
        .setting("meadow.repo_gpgcheck=1");

    dnf.ok(&[
        "install",
        "meadow-release",
        "greeting-cli",
        "webserver",
        "oldtool",
        "kernel",
    ]);
    assert!(
        dnf.installed()
            .contains(&"webserver-1.20.0-1.noarch".to_owned())
    );

    run_ok(
        Command::new(&script)
            .arg(folder.path())
            .args(["--step", "2"]),
    );
    let advisories = dnf.ok(&["updateinfo", "list"]).stdout;
    assert!(
        advisories.contains("MEADOW-2026:0002 Important/Sec. webserver-1:1.20.1-1.noarch"),
        "{advisories}"
    );

    run_ok(
        Command::new(&script)
            .arg(folder.path())
            .args(["--step", "3"]),
    );
    dnf.ok(&["upgrade"]);
    let installed = dnf.installed();
    for wanted in ["webserver-1.20.1-1.noarch", "newtool-1.0-1.noarch"] {
        assert!(
            installed.iter().any(|name| name == wanted),
            "{wanted} is not among {installed:?}"
        );
    }
    assert_eq!(
        installed
            .iter()
            .filter(|name| name.starts_with("kernel-6.1.0-"))
            .count(),
        2
    );
    assert!(
        dnf.ok(&["module", "list"])
            .stdout
            .contains("runtime 10 [d]")
    );
}

#[test]
fn the_script_tells_its_usage_and_makes_no_folder_of_an_option() {
    let folder = tempfile::tempdir().unwrap();
    let script = workspace().join("scripts/make-sample-distribution");
    for option in ["--help", "-h"] {
        let mut command = Command::new(&script);
        let text = run_ok(command.arg(option).current_dir(folder.path()));
        assert!(text.contains("OUT --step N"), "{text}");
        assert!(text.ends_with("since the key is new.\n"), "{text}");
    }
    for wrong in [&[][..], &["--step", "2"]] {
        let mut command = Command::new(&script);
        let ran = run(command.args(wrong).current_dir(folder.path()));
        assert_eq!(ran.code, 2, "{wrong:?}");
        assert!(ran.stderr.contains("--help"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
