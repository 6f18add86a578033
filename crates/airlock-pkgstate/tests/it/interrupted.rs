//! A run that is stopped at any step: the next one brings the machine where an undisturbed one would have.

use std::path::{Path, PathBuf};
use std::process::Command;

use airlock_pkgstate::declared::parse_configuration;
use airlock_pkgstate::host::{Host, HostOptions, NoFetch};
use airlock_pkgstate::run::{Nobody, Options, Remove, RunError, Session};
use airlock_pkgstate::settings::{Driver, DriverSettings};
use tempfile::TempDir;

fn rpms() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bcfg2/rpms")
}

fn rpm(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("rpm")
        .arg("--root")
        .arg(root)
        .args(["--define", "_transaction_color 3"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Everything is to be done here: remove, install side by side, import, upgrade, reinstall.
fn machine() -> TempDir {
    let folder = TempDir::new().unwrap();
    rpm(folder.path(), &["--initdb"]);
    for name in [
        "alpha-1.0-1.noarch",
        "gamma-1.0-1.noarch",
        "multi-1.0-1.x86_64",
        "multi-1.0-1.i686",
        "kernel-5.0-1.x86_64",
        "needs-1.0-1.noarch",
    ] {
        let file = rpms().join(format!("{name}.rpm"));
        rpm(
            folder.path(),
            &["-i", "--nosignature", file.to_str().unwrap()],
        );
    }
    std::fs::remove_file(folder.path().join("opt/bt/gamma/data")).unwrap();
    folder
}

const ENTRIES: &str = "<Configuration><Bundle name='b'>
<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>
<Package name='gamma' type='rpm' uri='URI'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>
<Package name='multi' type='rpm' uri='URI'><Instance simplefile='multi-1.0-1.x86_64.rpm' version='1.0' release='1' arch='x86_64'/></Package>
<Package name='kernel' type='rpm' uri='URI'><Instance simplefile='kernel-5.1-1.x86_64.rpm' version='5.1' release='1' arch='x86_64'/></Package>
<Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-signer' version='da6f1129' release='6affff60'/></Package>
</Bundle></Configuration>";

/// One run that stops before the step of this number; says whether it came to its end, and how many steps it took.
fn run(root: &Path, stop: usize) -> (bool, usize) {
    let text = ENTRIES.replace("URI", rpms().to_str().unwrap());
    let configuration = parse_configuration("entries", text.as_bytes()).unwrap();
    let settings = DriverSettings::default();
    let options = Options {
        remove: Remove::Packages,
        ..Options::default()
    };
    let mut host_options = HostOptions::new(root);
    host_options.rpm_options = vec!["--define".into(), "_transaction_color 3".into()];
    let mut host = Host::new(host_options, Box::new(NoFetch));
    let steps = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = std::rc::Rc::clone(&steps);
    host.keep_journal(Box::new(move |what| {
        let at = counter.get();
        counter.set(at + 1);
        match at == stop {
            true => Err(format!("cut before {what}")),
            false => Ok(()),
        }
    }));
    let mut session =
        Session::look(&configuration, &settings, Driver::Rpm, &options, &mut host).unwrap();
    match session.carry_out(&mut host, &mut Nobody) {
        Ok(()) => {
            let bad = session.now.iter().filter(|one| !one.good).count();
            assert_eq!(bad, 0, "{:?}", session.notes);
            (true, steps.get())
        }
        Err(RunError::Stopped(_)) => (false, steps.get()),
        Err(other) => panic!("{other}"),
    }
}

fn installed(root: &Path) -> Vec<String> {
    let text = rpm(root, &["-qa"]);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_run_after_a_cut_at_any_step_ends_where_an_undisturbed_one_does() {
    let whole = machine();
    let (ended, steps) = run(whole.path(), usize::MAX);
    assert!(ended);
    let wanted = installed(whole.path());
    assert!(steps >= 4, "{steps}");
    for stop in 0..steps {
        let folder = machine();
        let (ended, _) = run(folder.path(), stop);
        assert!(!ended, "step {stop} was not reached");
        let (ended, _) = run(folder.path(), usize::MAX);
        assert!(ended);
        assert_eq!(installed(folder.path()), wanted, "cut before step {stop}");
    }
}

#[test]
fn an_upgrade_that_was_cut_between_its_two_halves_is_finished() {
    let folder = machine();
    let newer = rpms().join("alpha-1.1-1.noarch.rpm");
    // What is there when rpm dies after the new version came and before the old one went.
    rpm(
        folder.path(),
        &[
            "-i",
            "--nosignature",
            "--replacefiles",
            newer.to_str().unwrap(),
        ],
    );
    let both = installed(folder.path());
    assert!(both.contains(&"alpha-1.0-1.noarch".to_owned()), "{both:?}");
    let (ended, _) = run(folder.path(), usize::MAX);
    assert!(ended);
    let after = installed(folder.path());
    assert!(
        after.contains(&"alpha-1.1-1.noarch".to_owned()),
        "{after:?}"
    );
    assert!(
        !after.contains(&"alpha-1.0-1.noarch".to_owned()),
        "{after:?}"
    );
}
