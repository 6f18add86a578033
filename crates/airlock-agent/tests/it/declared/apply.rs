//! Everything that an apply does really happens.

use airlock_testkit::rpms::Rpm;

use super::{Machine, with};

const MANY: &str = "
  <Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>
  <Package name='gamma' type='rpm' uri='URI'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>
  <Package name='multi' type='rpm' uri='URI'><Instance simplefile='multi-1.0-1.x86_64.rpm' version='1.0' release='1' arch='x86_64'/></Package>
  <Package name='beta' type='rpm' uri='URI'><Instance simplefile='beta-1.0-1.noarch.rpm' epoch='1' version='1.0' release='1' arch='noarch'/></Package>
  <Package name='kernel' type='rpm' uri='URI'><Instance simplefile='kernel-5.0-1.x86_64.rpm' version='5.0' release='1' arch='x86_64'/><Instance simplefile='kernel-5.1-1.x86_64.rpm' version='5.1' release='1' arch='x86_64'/></Package>";

fn many() -> Machine {
    let machine = Machine::new(&[
        "alpha-1.0-1.noarch",
        "gamma-1.0-1.noarch",
        "multi-1.0-1.x86_64",
        "multi-1.0-1.i686",
        "kernel-5.0-1.x86_64",
        "needs-1.0-1.noarch",
    ]);
    std::fs::remove_file(machine.root().join("opt/bt/gamma/data")).unwrap();
    machine.declare(MANY);
    machine
}

/// The questions of the seed form, with the blanks that the old program wrote.
const QUESTIONS: &str = "\
Install/Upgrade/delete Package alpha instance(s) - U(None:1.0-1.noarch -> *:1.1-1.noarch)  (y/N) \
Install Package beta Instance(s) I(1:1.0-1.noarch) ? (y/N) \
Install/Upgrade/delete Package gamma instance(s) - R(*:1.0-1.noarch)  (y/N) \
Install/Upgrade/delete Package kernel instance(s) - I(*:5.1-1.x86_64)  (y/N) \
Install/Upgrade/delete Package multi instance(s) - D(*:1.0-1.i686)  (y/N) \
Remove Package: needs? (y/N): ";

#[test]
fn install_upgrade_reinstall_and_delete_happen_when_the_operator_agrees() {
    let machine = many();
    let ran = machine.answering(
        "apply",
        &with(&["-I", "-r", "packages", "--detailed-exitcode"]),
        &"y\n".repeat(6),
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with(QUESTIONS), "{}", ran.stdout);
    assert_eq!(
        machine.installed(),
        [
            "alpha-1.1-1.noarch",
            "beta-1.0-1.noarch",
            "gamma-1.0-1.noarch",
            "kernel-5.0-1.x86_64",
            "kernel-5.1-1.x86_64",
            "multi-1.0-1.x86_64",
        ]
    );
    assert!(machine.root().join("opt/bt/gamma/data").exists());
    let again = machine.run("apply", &with(&["-r", "packages", "--detailed-exitcode"]));
    assert_eq!(again.code, 0, "{}", again.stdout);
    assert_eq!(again.stdout, "5 good, 0 bad, 0 modified, 0 extra\n");
}

#[test]
fn what_the_operator_declines_stays_and_the_end_of_input_declines_the_rest() {
    let machine = many();
    let before = machine.installed();
    let ran = machine.answering("apply", &with(&["-I", "-r", "packages"]), "n\nY\nyes\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Only y and Y mean yes: beta alone was accepted, nothing was asked behind the fourth question but once more.
    let mut expected = before;
    expected.push("beta-1.0-1.noarch".to_owned());
    expected.sort();
    assert_eq!(machine.installed(), expected);
}

#[test]
fn the_later_form_of_prompts_is_an_option() {
    let machine = many();
    let ran = machine.answering("apply", &with(&["-I", "--prompt-form", "later"]), "");
    let question = "Install/Upgrade/delete Package alpha instance(s) - U(1.0-1.noarch -> 1.1-1.noarch)  (y/N) ";
    assert!(ran.stdout.starts_with(question), "{}", ran.stdout);
}

#[test]
fn a_dry_run_asks_nothing_and_changes_nothing() {
    let machine = many();
    let before = machine.installed();
    let arguments = with(&["-I", "-n", "-r", "packages", "--detailed-exitcode"]);
    let ran = machine.run("apply", &arguments);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(!ran.stdout.contains("(y/N)"), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("0 good, 5 bad, 0 modified, 1 extra\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(machine.installed(), before);
}

#[test]
fn the_json_report_holds_entries_actions_commands_and_reasons() {
    let machine = many();
    let ran = machine.run("apply", &with(&["--json"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["driver"], "RPMng");
    assert_eq!(report["good"], 4);
    assert_eq!(report["bad"], 1);
    let kinds: Vec<&str> = report["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["upgrade", "reinstall", "install", "install"]);
    let commands = report["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 2);
    assert!(commands.iter().all(|command| command["exit"] == 0));
    assert_eq!(report["extra"][0], "needs-1.0-1.noarch");
}

#[test]
fn a_file_that_is_not_what_was_declared_is_not_installed_and_the_others_are() {
    let machine = Machine::new(&[]);
    machine.declare(
        "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='beta-1.0-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>\
         <Package name='gamma' type='rpm' uri='URI'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
    );
    let ran = machine.run("apply", &with(&["--detailed-exitcode"]));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stdout.contains(
            "is not installed: it is beta-1:1.0-1.noarch, and alpha-1.1-1.noarch is declared"
        ),
        "{}",
        ran.stdout
    );
    assert_eq!(machine.installed(), ["gamma-1.0-1.noarch"]);
}

#[test]
fn a_damaged_file_is_not_installed() {
    let machine = Machine::new(&[]);
    let mut bytes = std::fs::read(super::rpms().join("gamma-1.0-1.noarch.rpm")).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 0x40;
    std::fs::write(machine.at("gamma.rpm"), bytes).unwrap();
    let path = machine.at("gamma.rpm");
    machine.declare(&format!(
        "<Package name='gamma' type='rpm' uri='/'><Instance simplefile='{}' version='1.0' release='1' arch='noarch'/></Package>",
        path.display()
    ));
    let ran = machine.run("apply", &with(&[]));
    assert!(ran.stdout.contains("damaged or forged"), "{}", ran.stdout);
    assert!(machine.installed().is_empty());
}

#[test]
fn package_files_come_from_a_url_too() {
    let machine = Machine::new(&[]);
    let server = airlock_testkit::http::HttpServer::serve(super::rpms());
    machine.declare(&format!(
        "<Package name='alpha' type='rpm' uri='{}'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
        server.url()
    ));
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch"],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn a_list_of_decisions_keeps_entries_and_their_extra_instances_as_they_are() {
    let machine = many();
    machine.write(
        "black.json",
        "[[\"Package\", \"multi\"], [\"*\", \"kern*\"]]",
    );
    let arguments = with(&[
        "-l",
        "blacklist",
        "--decision-list",
        "black.json",
        "-r",
        "packages",
    ]);
    let ran = machine.run("apply", &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let installed = machine.installed();
    assert!(
        installed.contains(&"multi-1.0-1.i686".to_owned()),
        "{installed:?}"
    );
    assert!(
        !installed.contains(&"kernel-5.1-1.x86_64".to_owned()),
        "{installed:?}"
    );
    assert!(
        installed.contains(&"alpha-1.1-1.noarch".to_owned()),
        "{installed:?}"
    );
}

#[test]
fn an_unreadable_database_stops_everything_and_nothing_is_called_good() {
    let machine = many();
    let database = machine.root().join("root/.rpmdb/rpmdb.sqlite");
    let bytes = std::fs::read(&database).unwrap();
    std::fs::write(&database, &bytes[..bytes.len() / 3]).unwrap();
    let ran = machine.run("verify", &with(&[]));
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("what is installed cannot be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_changed_configuration_file_is_shown_as_such_and_can_be_acknowledged_until_it_changes_again() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(
        "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
    );
    let config = machine.root().join("opt/bt/alpha/etc.conf");
    std::fs::write(&config, "ours\n").unwrap();
    let look = || machine.run("apply", &with(&["--detailed-exitcode"]));
    let ran = look();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stdout.contains("C(*:1.0-1.noarch)"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("packages acknowledge alpha"),
        "{}",
        ran.stdout
    );
    let ran = machine.run("acknowledge", &with(&["alpha", "-n"]));
    let would = "would acknowledge /opt/bt/alpha/etc.conf of alpha-1.0-1.noarch\n";
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, would),
        "{}",
        ran.stderr
    );
    let ran = machine.run("acknowledge", &with(&["alpha", "-n", "--json"]));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["acknowledged"][0]["path"],
        "/opt/bt/alpha/etc.conf"
    );
    let ran = machine.answering("acknowledge", &with(&["-I"]), "n\n");
    assert!(
        ran.stdout
            .starts_with("Acknowledge /opt/bt/alpha/etc.conf of alpha-1.0-1.noarch? (y/N) "),
        "{}",
        ran.stdout
    );
    assert_eq!(look().code, 3);
    let ran = machine.run("acknowledge", &with(&["alpha"]));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (
            0,
            "acknowledged /opt/bt/alpha/etc.conf of alpha-1.0-1.noarch\n"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(look().code, 0);
    std::fs::write(&config, "theirs\n").unwrap();
    assert_eq!(look().code, 3);
}

#[test]
fn a_list_is_bound_for_the_groups_of_the_machine() {
    let machine = Machine::new(&[]);
    let list = "<PackageList uri='URI' priority='0' type='rpm'><Group name='web'>\
        <Package name='alpha'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package></Group>\
        <Group name='database'><Package name='gamma'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package></Group></PackageList>";
    machine.write(
        "list.xml",
        &list.replace("URI", super::rpms().to_str().unwrap()),
    );
    let ran = machine.run("apply", &["--entries", "list.xml", "-g", "web"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch"],
        "{}",
        ran.stdout
    );
}

#[test]
fn a_set_of_the_native_form_chooses_its_instances() {
    let machine = Machine::new(&["kernel-5.0-1.x86_64"]);
    let rpms = super::rpms();
    machine.write(
        "policy.toml",
        &format!(
            "airlock-packages = 1\nkind = \"pkgmgr\"\npriority = 0\ntype = \"rpm\"\nuri = {:?}\n\n\
             [[package]]\nname = \"kernel\"\nset = {{ newest = 2 }}\n",
            rpms.to_str().unwrap()
        ),
    );
    // Several folders stand in one list, as in the tools.
    let empty = tempfile::tempdir().unwrap();
    let folders = format!("{},{}", empty.path().display(), rpms.to_str().unwrap());
    let ran = machine.run(
        "apply",
        &[
            "--entries",
            "policy.toml",
            "--rpmdirs",
            &folders,
            "-r",
            "packages",
        ],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        ["kernel-5.1-1.x86_64", "kernel-5.2-1.x86_64"],
        "{}",
        ran.stdout
    );
}

#[test]
fn a_name_that_is_declared_twice_and_differently_is_left_alone() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let alpha = |version: &str, more: &str| {
        format!(
            "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-{version}-1.noarch.rpm' version='{version}' release='1' arch='noarch'{more}/></Package>"
        )
    };
    for (more, second) in [("", "2.0-1.noarch"), (" epoch='1'", "1:1.1-1.noarch")] {
        let version = if more.is_empty() { "2.0" } else { "1.1" };
        machine.declare(&format!("{}\n{}", alpha("1.1", ""), alpha(version, more)));
        let ran = machine.run("apply", &with(&["--detailed-exitcode"]));
        assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
        if more.is_empty() {
            let said = "entries.xml:2: <Package> alpha: line 1 declares it too; it is declared more than once";
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
        }
        assert!(
            ran.stdout
                .contains("Package:alpha is declared more than once, as "),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(second), "{}", ran.stdout);
        assert!(
            ran.stdout.contains("0 good, 2 bad, 0 modified"),
            "{}",
            ran.stdout
        );
        assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    }
    machine.declare(&format!(
        "{}\n{}",
        alpha("2.0", ""),
        alpha("2.0", " epoch='0'")
    ));
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("2 good, 0 bad, 1 modified, 0 extra\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(machine.installed(), ["alpha-2.0-1.noarch"]);
}

#[test]
fn keys_and_what_is_not_checked_may_stand_in_several_entries() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(
        "<Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-signer' version='da6f1129' release='6affff60'/></Package>\
         <Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-second' version='f68b5317' release='6affff61'/></Package>\
         <Package name='alpha' type='rpm' pkg_checks='false' version='1.1-1'/><Package name='alpha' type='rpm' pkg_checks='false' version='2.0-1'/>\
         <Package name='alpha' type='yum' version='3.0-1'/>",
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("4 good, 0 bad"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert_eq!(
        machine.installed(),
        [
            "alpha-1.0-1.noarch",
            "gpg-pubkey-da6f1129-6affff60",
            "gpg-pubkey-f68b5317-6affff61"
        ]
    );
}

#[test]
fn what_changed_beside_is_looked_at_again() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let beside = Rpm::new("beside", "1", "1").arch("noarch");
    machine.install(&beside.write_to(machine.folder.path()));
    let taker = Rpm::new("taker", "1", "1")
        .arch("noarch")
        .obsoletes("beside");
    taker.write_to(machine.folder.path());
    let folder = machine.folder.path().display();
    let files = [beside.file_name(), taker.file_name()];
    machine.write(
        "entries.xml",
        &format!(
            "<Configuration><Bundle name='one'><Package name='beside' type='rpm' uri='{folder}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package></Bundle>\
             <Bundle name='two'><Package name='taker' type='rpm' uri='{folder}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package></Bundle></Configuration>",
            files[0], files[1]
        ),
    );
    let ran = machine.run("apply", &with(&["--detailed-exitcode"]));
    // It was good when the run began, and what was installed took it away.
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "taker-1-1.noarch"]
    );
    assert!(ran.stdout.contains("1 good, 1 bad"), "{}", ran.stdout);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
}

#[test]
fn keys_of_the_same_run_count_for_packages_that_need_a_signature() {
    let machine = Machine::new(&[]);
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\nrequire_signatures = yes\n",
    );
    machine.declare(
        "<Package name='rsa' type='rpm' uri='URI'><Instance simplefile='rsa-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>\
         <Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-second' version='f68b5317' release='6affff61'/></Package>",
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        machine.installed(),
        ["gpg-pubkey-f68b5317-6affff61", "rsa-1.0-1.noarch"],
        "{}",
        ran.stdout
    );
}

#[test]
fn no_key_is_imported_when_the_run_is_refused() {
    let machine = Machine::new(&[]);
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\nrequire_signatures = yes\n",
    );
    let folder = machine.at("files");
    std::fs::create_dir(&folder).unwrap();
    let vital = Rpm::new("rpm", "1", "1").arch("noarch");
    machine.install(&vital.write_to(machine.folder.path()));
    let taker = Rpm::new("taker", "1", "1").arch("noarch").obsoletes("rpm");
    taker.write_to(&folder);
    let server = airlock_testkit::http::HttpServer::serve(folder);
    let address = server.url();
    machine.declare(&format!(
        "<Package name='taker' type='rpm' uri='{address}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package>\
         <Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-second' version='f68b5317' release='6affff61'/></Package>",
        taker.file_name()
    ));
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("refused: rpm-1-1.noarch would be removed"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["rpm-1-1.noarch"]);
}

#[test]
fn a_missing_key_is_told_to_people_too() {
    let machine = Machine::new(&["rsa-1.0-1.noarch"]);
    machine.declare(
        "<Package name='rsa' type='rpm' uri='URI'><Instance simplefile='rsa-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
    );
    let ran = machine.run("verify", &with(&[]));
    let said = "note: Package:rsa: package rsa 1.0-1.noarch is signed with key b317dba0f68b5317, which is not imported";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}

#[test]
fn an_old_kernel_stays_when_the_file_of_the_declared_one_is_not_there() {
    let machine = Machine::new(&["kernel-5.0-1.x86_64", "alpha-1.0-1.noarch"]);
    machine.declare(
        "<Package name='kernel' type='rpm' uri='/nowhere'><Instance simplefile='kernel-5.2-1.x86_64.rpm' version='5.2' release='1' arch='x86_64'/></Package>\
         <Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>",
    );
    let ran = machine.run("plan", &with(&["-r", "packages"]));
    for said in [
        "note: Package:kernel: /nowhere/kernel-5.2-1.x86_64.rpm is not there\n",
        "alpha-1.0-1.noarch.rpm would not be installed: it is alpha-1.0-1.noarch, and alpha-1.1-1.noarch is declared\n",
    ] {
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
    let ran = machine.run("apply", &with(&["-r", "packages"]));
    let said = "kernel-5.0-1.x86_64 stays: what is declared in its place is not there";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "kernel-5.0-1.x86_64"]
    );
}

#[test]
fn an_entry_of_the_old_style_needs_what_a_list_gives_it() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.write("bcfg2.conf", "");
    machine.declare(
        "<Package name='alpha' type='rpm' version='1.1-1' url='URI/alpha-1.1-1.noarch.rpm'/>",
    );
    let ran = machine.run("apply", &with(&["-v"]));
    assert!(ran.stderr.contains("RPMng: 1 entry"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("has no simplefile or no uri"),
        "{}",
        ran.stdout
    );
    machine.declare("<Package name='alpha' type='rpm' version='1.1-1' url='' uri='URI' simplefile='alpha-1.1-1.noarch.rpm'/>");
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.1-1.noarch"],
        "{}",
        ran.stdout
    );
}

#[test]
fn an_entry_that_became_bad_is_named() {
    let machine = Machine::new(&[]);
    let old = Rpm::new("old", "1", "1").arch("noarch");
    let new = Rpm::new("new", "1", "1").arch("noarch").obsoletes("old");
    let folder = machine.folder.path().to_owned();
    machine.install(&old.write_to(&folder));
    new.write_to(&folder);
    let entry = |name: &str, file: String| {
        format!(
            "<Package name='{name}' type='rpm' uri='{}'><Instance simplefile='{file}' version='1' release='1' arch='noarch'/></Package>",
            folder.display()
        )
    };
    machine.declare(&format!(
        "{}{}",
        entry("new", new.file_name()),
        entry("old", old.file_name())
    ));
    let ran = machine.run("apply", &with(&["-I"]));
    assert!(ran.stdout.contains("1 bad"), "{}", ran.stdout);
    let ran = machine.answering("apply", &with(&["-I"]), "y\n");
    assert!(
        ran.stdout.contains("Package:new: put right\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("Package:old: bad\n"), "{}", ran.stdout);
}

#[test]
fn changed_configuration_is_acknowledged_beside_other_faults() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(
        "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
    );
    std::fs::write(machine.root().join("opt/bt/alpha/etc.conf"), "ours\n").unwrap();
    std::fs::remove_file(machine.root().join("opt/bt/alpha/data")).unwrap();
    let ran = machine.run("acknowledge", &with(&["alpha"]));
    assert_eq!(
        ran.stdout, "acknowledged /opt/bt/alpha/etc.conf of alpha-1.0-1.noarch\n",
        "{}",
        ran.stderr
    );
}

#[test]
fn what_may_not_be_put_right_a_second_time_does_not_stop_the_run() {
    let machine = Machine::new(&["gamma-1.0-1.noarch"]);
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\nverify_flags = nodeps\n",
    );
    let old = Rpm::new("old", "1", "1").arch("noarch").obsoletes("rpm");
    let new = Rpm::new("new", "1", "1").arch("noarch").obsoletes("old");
    let vital = Rpm::new("rpm", "1", "1").arch("noarch");
    let folder = machine.folder.path().to_owned();
    for package in [&vital, &old] {
        let file = package.write_to(&folder);
        machine.rpm(&[
            "--install",
            "--nodeps",
            "--nosignature",
            file.to_str().unwrap(),
        ]);
    }
    new.write_to(&folder);
    let entry = |name: &str, file: String| {
        format!(
            "<Package name='{name}' type='rpm' uri='{}'><Instance simplefile='{file}' version='1' release='1' arch='noarch'/></Package>",
            folder.display()
        )
    };
    machine.declare(&format!(
        "{}{}{}",
        entry("old", old.file_name()),
        entry("new", new.file_name()),
        entry("rpm", vital.file_name())
    ));
    let ran = machine.run("apply", &with(&["-r", "packages", "--detailed-exitcode"]));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    for said in [
        "Package:old became bad with what was done and stays so: refused: rpm-1-1.noarch would be removed",
        "remove old-1-1.noarch: new-1-1.noarch obsoletes it\n",
        "Package:old: bad\n",
    ] {
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
    // What was to go went, and the next run finds no journal.
    assert_eq!(machine.installed(), ["new-1-1.noarch", "rpm-1-1.noarch"]);
    let again = machine.run("plan", &with(&[]));
    assert!(
        !again.stderr.contains("was interrupted"),
        "{}",
        again.stderr
    );
}

#[test]
fn entries_of_one_name_for_several_architectures_and_kernels_are_all_installed() {
    let machine = Machine::new(&["kernel-5.0-1.x86_64"]);
    let one = |name: &str, version: &str, arch: &str| {
        format!(
            "<Package name='{name}' type='rpm' uri='URI'><Instance simplefile='{name}-{version}-1.{arch}.rpm' version='{version}' release='1' arch='{arch}'/></Package>"
        )
    };
    machine.declare(
        &[
            one("multi", "1.0", "x86_64"),
            one("multi", "1.0", "i686"),
            one("kernel", "5.0", "x86_64"),
            one("kernel", "5.1", "x86_64"),
        ]
        .concat(),
    );
    for _ in 0..2 {
        let ran = machine.run("apply", &with(&["-r", "packages"]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(
            ran.stdout.contains("4 good, 0 bad"),
            "{}{}",
            ran.stdout,
            ran.stderr
        );
        assert_eq!(
            machine.installed(),
            [
                "kernel-5.0-1.x86_64",
                "kernel-5.1-1.x86_64",
                "multi-1.0-1.i686",
                "multi-1.0-1.x86_64"
            ]
        );
    }
}

#[test]
fn a_key_that_another_entry_declares_in_the_old_style_stays() {
    let machine = Machine::new(&[]);
    for key in ["KEY-signer", "KEY-second"] {
        machine.rpm(&["--import", super::rpms().join(key).to_str().unwrap()]);
    }
    for other in ["version='f68b5317-6affff61'", "version='any'"] {
        machine.declare(&format!(
            "<Package name='gpg-pubkey' type='rpm' uri='URI'><Instance simplefile='KEY-signer' version='da6f1129' release='6affff60'/></Package>\
             <Package name='gpg-pubkey' type='rpm' {other}/>"
        ));
        let ran = machine.run("apply", &with(&["-r", "packages"]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(machine.installed().len(), 2, "{}", ran.stdout);
    }
}

#[test]
fn an_old_kernel_stays_when_the_new_one_lacks_something_or_may_not_come() {
    for (instance, requires) in [("", "nowhere"), (" installed_action='none'", "kernel")] {
        let machine = Machine::new(&["kernel-5.0-1.x86_64"]);
        let new = Rpm::new("kernel", "6", "1")
            .arch("noarch")
            .requires(requires);
        new.write_to(machine.folder.path());
        machine.declare(&format!(
            "<Package name='kernel' type='rpm' uri='{}'><Instance simplefile='{}' version='6' release='1' arch='noarch'{instance}/></Package>",
            machine.folder.path().display(),
            new.file_name()
        ));
        let ran = machine.run("apply", &with(&["-r", "packages"]));
        assert_eq!(
            machine.installed(),
            ["kernel-5.0-1.x86_64"],
            "{}{}",
            ran.stdout,
            ran.stderr
        );
        let said = "kernel-5.0-1.x86_64 stays: what is declared in its place is not there";
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
}

#[test]
fn an_extra_instance_that_is_in_the_way_of_a_file_goes_first() {
    let machine = Machine::new(&[]);
    let other = Rpm::new("own", "1", "1")
        .arch("i686")
        .file("/opt/own", "old");
    let new = Rpm::new("own", "2", "1")
        .arch("noarch")
        .file("/opt/own", "new");
    let file = other.write_to(machine.folder.path());
    machine.rpm(&[
        "--install",
        "--ignorearch",
        "--nosignature",
        file.to_str().unwrap(),
    ]);
    new.write_to(machine.folder.path());
    machine.declare(&format!(
        "<Package name='own' type='rpm' uri='{}'><Instance simplefile='{}' version='2' release='1' arch='noarch'/></Package>",
        machine.folder.path().display(),
        new.file_name()
    ));
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\ninstallonlypackages = own\n",
    );
    let ran = machine.run("apply", &with(&["-r", "packages"]));
    assert_eq!(
        machine.installed(),
        ["own-2-1.noarch"],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stdout.contains("1 good, 0 bad"), "{}", ran.stdout);
}

#[test]
fn only_what_counts_is_acknowledged() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let alpha = "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>";
    machine.declare(&format!(
        "{alpha}<Path name='/opt/bt/alpha/etc.conf' type='file'/>"
    ));
    std::fs::write(machine.root().join("opt/bt/alpha/etc.conf"), "ours\n").unwrap();
    let nothing = "no changed configuration file is to be acknowledged\n";
    assert_eq!(machine.run("acknowledge", &with(&[])).stdout, nothing);
    machine.declare(&format!("{alpha}{alpha}"));
    let ran = machine.run("acknowledge", &with(&[]));
    assert_eq!(
        ran.stdout,
        "acknowledged /opt/bt/alpha/etc.conf of alpha-1.0-1.noarch\n"
    );
}

#[test]
fn a_file_of_another_package_takes_no_kernel_away() {
    let machine = Machine::new(&["kernel-5.0-1.x86_64", "alpha-1.0-1.noarch"]);
    let other = Rpm::new("other", "1", "1")
        .arch("noarch")
        .file("/opt/own", "old");
    machine.install(&other.write_to(machine.folder.path()));
    let new = Rpm::new("kernel", "6", "1")
        .arch("noarch")
        .file("/opt/own", "new");
    new.write_to(machine.folder.path());
    let folder = machine.folder.path().display();
    machine.declare(&format!(
        "<Package name='kernel' type='rpm' uri='{folder}'><Instance simplefile='{}' version='6' release='1' arch='noarch'/></Package>\
         <Package name='other' type='rpm' uri='{folder}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package>\
         <Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>",
        new.file_name(),
        other.file_name()
    ));
    let ran = machine.run("apply", &with(&["-r", "packages"]));
    assert!(
        machine
            .installed()
            .contains(&"kernel-5.0-1.x86_64".to_owned()),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let said = "kernel-5.0-1.x86_64 stays: what is declared in its place is not there";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}
