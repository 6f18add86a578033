//! Drivers, roots, exit statuses and flags of the old client.

use super::{Machine, rpms, with};
use crate::scratch::Ran;

const ALPHA: &str = "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>";

fn machine() -> Machine {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(ALPHA);
    machine
}

#[test]
fn drivers_without_one_of_packages_leave_packages_alone() {
    let machine = machine();
    machine.write("bcfg2.conf", "[client]\ndrivers = Action,POSIX\n[RPMng]\n");
    let ran = machine.run("apply", &with(&["-r", "packages", "--detailed-exitcode"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    assert!(
        ran.stderr.contains("skipped: Action, POSIX"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("no driver of packages is chosen"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("0 good, 0 bad"), "{}", ran.stdout);
    let ran = machine.run("apply", &with(&["-D", "Action", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["driver"], "none");
    assert_eq!(report["not_handled"][0], "Package:alpha");
    let ran = machine.run("apply", &with(&["-D", "Action,RPMng"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
}

#[test]
fn the_drivers_are_listed() {
    let ran = machine().run("apply", &["-D", "help"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("RPMng (RPM): "), "{}", ran.stdout);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let machine = machine();
    for (word, more) in [
        ("apply", &["-D", "help"][..]),
        ("plan", &[]),
        ("verify", &[]),
        ("acknowledge", &["--json"]),
        ("verify", &["-D", "Action"]),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = machine.command(word, &with(more));
        let ran: Ran = command.stdout(writer).output().unwrap().into();
        assert_eq!(ran.code, 0, "{word} {more:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("ipe"), "{word}: {}", ran.stderr);
    }
}

#[test]
fn a_relative_root_is_the_same_root() {
    let machine = machine();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_airlock-agent"));
    command
        .args([
            "packages",
            "apply",
            "--root",
            "root",
            "--config",
            "bcfg2.conf",
        ])
        .args(["--entries", "entries.xml", "--detailed-exitcode"])
        .current_dir(machine.folder.path())
        .env("HOME", "/root");
    let ran: crate::scratch::Ran = command.output().unwrap().into();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
}

#[test]
fn undeclared_packages_that_are_to_go_are_work() {
    let machine = Machine::new(&[
        "alpha-1.1-1.noarch",
        "needs-1.0-1.noarch",
        "beta-1.0-1.noarch",
    ]);
    machine.declare(ALPHA);
    let wanted = ["-r", "packages", "--detailed-exitcode"];
    assert_eq!(machine.run("verify", &with(&wanted)).code, 3);
    assert_eq!(machine.run("plan", &with(&wanted)).code, 3);
    assert_eq!(machine.run("verify", &with(&wanted[2..])).code, 0);
    // alpha is needed by needs: the removal of alpha alone fails.
    machine.declare(
        "<Package name='needs' type='rpm' pkg_checks='false'/><Package name='beta' type='rpm' pkg_checks='false'/>",
    );
    let ran = machine.run("apply", &with(&wanted));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(
        machine
            .installed()
            .contains(&"alpha-1.1-1.noarch".to_owned())
    );
    let declared = "<Package name='needs' type='rpm' pkg_checks='false'/><Package name='alpha' type='rpm' pkg_checks='false'/>";
    machine.declare(declared);
    assert_eq!(machine.run("apply", &with(&wanted)).code, 0);
    assert_eq!(machine.run("verify", &with(&wanted)).code, 0);
}

#[test]
fn a_slip_in_the_entries_stops_everything() {
    let machine = machine();
    machine.declare("\n<Pakage name='alpha' type='rpm'/><Package name='beta'/>");
    let ran = machine.run("apply", &with(&["-r", "packages", "--force"]));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    for said in [
        "entries.xml:2: <Pakage> alpha: it cannot stand in <Bundle>; did you mean <Package>?",
        "entries.xml:2: <Package> beta: it has no type",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    machine.declare("<Package name='alpha' type='rpm' pkg_chekcs='false' version='1.0-1'/>");
    let ran = machine.run("plan", &with(&[]));
    assert!(
        ran.stderr.contains("did you mean pkg_checks?"),
        "{}",
        ran.stderr
    );
    assert!(rpms().exists());
}

#[test]
fn with_only_important_nothing_is_changed_and_debug_goes_to_the_file_too() {
    let machine = machine();
    let before = machine.installed();
    let ran = machine.run("apply", &with(&["-i", "-r", "packages"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), before);
    assert!(ran.stdout.contains("0 good, 1 bad"), "{}", ran.stdout);
    let ran = machine.run("apply", &with(&["-d", "-o", "run.log"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let kept = std::fs::read_to_string(machine.at("run.log")).unwrap();
    for said in [
        "RPMng: 1 entry",
        "exit 0: rpm --root",
        "Package:alpha: put right",
    ] {
        assert!(kept.contains(said), "{kept}");
    }
    assert!(ran.stderr.contains("exit 0: rpm --root"), "{}", ran.stderr);
}

#[test]
fn the_decision_of_the_settings_needs_a_list_when_entries_come_from_a_file() {
    let machine = machine();
    machine.write(
        "bcfg2.conf",
        "[client]\ndecision = whitelist\ndrivers = RPMng\n[RPMng]\n",
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("decision = whitelist of [client] does not count"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
    machine.declare(&ALPHA.replace("1.1", "1.0"));
    machine.write(
        "list.xml",
        "<Decisions><Group name='web'><Decision type='Package' name='alpha'/></Group></Decisions>",
    );
    let list = ["--decision-list", "list.xml"];
    assert_eq!(machine.run("apply", &with(&list)).code, 0);
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
    let ran = machine.run(
        "apply",
        &with(&["--decision-list", "list.xml", "-g", "web"]),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

#[test]
fn what_does_not_fit_together_is_a_fault_of_usage() {
    let machine = machine();
    machine.write("list.xml", "<Decisions/>");
    for (arguments, said) in [
        (
            &["--decision-list", "list.xml"][..],
            "--decision-list needs -l whitelist or -l blacklist",
        ),
        (&["-l", "whitelist"], "needs --decision-list FILE"),
        (&["-D", "rpmng"], "no driver rpmng; did you mean RPMng?"),
        (&["--plan", "p", "-b", "b1"], "cannot be used with"),
        (&["--plan", "p", "-r", "packages"], "cannot be used with"),
    ] {
        let ran = machine.run("apply", &with(arguments));
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    machine.write("list.xml", "<Decision type='Package' name='*'/>");
    let list = ["--decision-list", "list.xml", "-l", "blacklist"];
    let ran = machine.run("apply", &with(&list));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("list.xml:1: <Decision> is no list of decisions; it starts with <Decisions>"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    machine.write(
        "bcfg2.conf",
        "[components]\nbcfg2 = https://127.0.0.1:1\n[communication]\nretries = 1\n[client]\ndrivers = RPMng\n",
    );
    let ran = machine.run("apply", &[]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("no entries from https://127.0.0.1:1; --entries FILE takes them from a file"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_number_that_is_none_is_told_before_anything_is_planned() {
    let machine = machine();
    machine.declare("<Package name='beta' type='rpm' uri='URI'><Instance simplefile='beta-1.0-1.noarch.rpm' epoch='x' version='1.0' release='1' arch='noarch'/></Package>");
    let ran = machine.run("plan", &with(&[]));
    assert!(ran.stdout.contains("Package:beta"), "{}", ran.stdout);
    assert!(
        !ran.stdout.contains("Package:beta: Package:beta"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.ends_with("\n0 actions\n"), "{}", ran.stdout);
}

#[test]
fn removals_are_named_where_nothing_is_removed_and_where_a_list_does_not_hold_them() {
    let machine = Machine::new(&["alpha-1.1-1.noarch", "gamma-1.0-1.noarch"]);
    machine.declare(ALPHA);
    let ran = machine.run("apply", &with(&["-n", "-r", "packages"]));
    assert!(
        ran.stdout.contains("extra: gamma-1.0-1.noarch\n"),
        "{}",
        ran.stdout
    );
    machine.write("list.json", "[[\"Package\", \"gamma\"]]");
    let list = [
        "-r",
        "packages",
        "-l",
        "blacklist",
        "--decision-list",
        "list.json",
    ];
    let ran = machine.run("plan", &with(&list));
    let said = "note: gamma would not be touched by the blacklist, and go: lists of decisions hold no removals";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}
