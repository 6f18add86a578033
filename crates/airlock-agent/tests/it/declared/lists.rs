//! Lists that are bound on the machine: groups of yum in them, conditions, and lists of decisions.

use super::{Machine, managers, rpms};

/// A repository with a group, and what dnf has to be told about it.
fn dnf(machine: &Machine) -> Vec<String> {
    let repository = machine.at("repository");
    std::fs::create_dir(&repository).unwrap();
    for name in ["alpha-2.0-1.noarch", "beta-1.4-1.noarch"] {
        let file = format!("{name}.rpm");
        std::fs::copy(rpms().join(&file), repository.join(&file)).unwrap();
    }
    std::fs::create_dir(machine.at("no-repositories")).unwrap();
    managers::groups(
        machine,
        "<group><id>web</id><name>Web</name><packagelist>\
         <packagereq type='mandatory'>alpha</packagereq><packagereq type='default'>beta</packagereq>\
         </packagelist></group>",
    );
    managers::dnf(machine)
}

#[test]
fn a_group_of_yum_in_a_list_declares_its_packages() {
    let machine = Machine::new(&[
        "alpha-2.0-1.noarch",
        "beta-1.4-1.noarch",
        "gamma-1.0-1.noarch",
    ]);
    machine.write("bcfg2.conf", "[YUMng]\n");
    let dnf = dnf(&machine);
    machine.write(
        "list.xml",
        "<PackageList priority='0' type='yum'><Package group='web' choose='default'/></PackageList>",
    );
    machine.write(
        "list.toml",
        "airlock-packages = 1\npriority = 0\ntype = \"yum\"\n\n[[package]]\ngroup = \"web\"\nchoose = \"default\"\n",
    );
    machine.write(
        "rules.xml",
        "<Rules priority='0'><Package name='' group='web' choose='default' type='yum'/></Rules>",
    );
    for list in ["list.xml", "list.toml", "rules.xml"] {
        let mut arguments = vec!["--entries", list, "-r", "packages"];
        arguments.extend(dnf.iter().map(String::as_str));
        let ran = machine.run("plan", &arguments);
        assert_eq!(ran.code, 0, "{list}: {}{}", ran.stdout, ran.stderr);
        let removed: Vec<&str> = ran
            .stdout
            .lines()
            .filter(|line| line.starts_with("remove "))
            .collect();
        assert_eq!(
            removed,
            ["remove gamma-1.0-1.noarch: it is installed and no entry declares it"],
            "{list}: {}",
            ran.stdout
        );
        assert!(!ran.stdout.contains(" beta"), "{list}: {}", ran.stdout);
        let mut arguments = vec!["--entries", list, "--json"];
        arguments.extend(dnf.iter().map(String::as_str));
        let ran = machine.run("verify", &arguments);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["entries"][0]["entry"], "Package:group:web", "{list}");
    }
}

#[test]
fn an_entry_with_an_empty_name_is_refused_with_its_line() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.write(
        "entries.xml",
        "<Bundle name='b'>\n<Package name='' type='rpm' version='1.0-1'/></Bundle>",
    );
    let ran = machine.run("apply", &["--entries", "entries.xml", "-r", "packages"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .contains("entries.xml:2: <Package> has no name; add name='…'"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

const LIST: &str = "<PackageList priority='0' type='rpm'><Package name='gamma' version='any'/>
CONDITION<Package name='alpha' version='any'/></Group></PackageList>";

#[test]
fn conditions_of_lists_that_leave_packages_out_by_a_slip_are_told() {
    let machine = Machine::new(&["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]);
    let plan = |condition: &str, more: &[&str]| {
        machine.write("list.xml", &LIST.replace("CONDITION", condition));
        let arguments = [&["--entries", "list.xml", "-r", "packages"], more].concat();
        machine.run("plan", &arguments)
    };
    let ran = plan("<Group name='db' negate='treu'>", &["-g", "web"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let said = "list.xml:2: <Group> db: negate=\"treu\" is neither true nor false";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let said = "list.xml: packages stand in groups, and no group of this machine is given, so what they name is left out and counts as not declared; give -g GROUP";
    let ran = plan("<Group name='db'>", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(ran.stdout.contains("remove alpha"), "{}", ran.stdout);
    for (condition, more) in [
        ("<Group name='db' negate='true'>", &[][..]),
        ("<Group name='db'>", &["-g", "web"]),
    ] {
        let ran = plan(condition, more);
        assert!(!ran.stderr.contains("give -g"), "{}", ran.stderr);
    }
    machine.write(
        "list.toml",
        "airlock-packages = 1\npriority = 0\ntype = \"rpm\"\n[[when]]\ngroup = \"db\"\n[[when.package]]\nname = \"alpha\"\nversion = \"any\"\n",
    );
    let ran = machine.run("verify", &["--entries", "list.toml"]);
    let said = said.replace("list.xml", "list.toml");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
}

#[test]
fn what_a_list_would_leave_out_by_a_slip_is_refused() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    for (entry, said) in [
        (
            "<Package version='any'/>",
            "list.xml:2: <Package>: it has no name",
        ),
        (
            "<Pakage name='alpha' version='any'/>",
            "did you mean <Package>?",
        ),
        (
            "<Package name='' version='any'/>",
            "list.xml:2: <Package>: it has no name",
        ),
    ] {
        machine.write(
            "list.xml",
            &format!("<PackageList priority='0' type='rpm'>\n{entry}</PackageList>"),
        );
        let ran = machine.run("apply", &["--entries", "list.xml", "-r", "packages"]);
        assert_eq!(ran.code, 1, "{entry}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(said), "{entry}: {}", ran.stderr);
        assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    }
}

#[test]
fn findings_about_entries_of_lists_have_the_line_of_the_list() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.write(
        "list.xml",
        "<PackageList priority='0' type='rpm'>\n<Package name='alpha' version='any' colour='red'/></PackageList>",
    );
    let ran = machine.run("plan", &["--entries", "list.xml"]);
    let said = "list.xml:2: <Package> alpha: nothing reads the attribute colour";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    // Also about what a key becomes.
    machine.write(
        "list.toml",
        &format!(
            "airlock-packages = 1\npriority = 0\n[[key]]\nfingerprint = \"{}\"\ncreated = \"0a0b0c0d\"\n",
            "A1".repeat(20)
        ),
    );
    let ran = machine.run("plan", &["--entries", "list.toml"]);
    let said = "list.toml:4: <Package> gpg-pubkey: it has no type";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn decisions_about_entries_of_a_type_that_is_none_are_refused() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare("<Package name='beta' type='rpm' version='any'/>");
    for (file, text) in [
        (
            "d.xml",
            "<Decisions>\n<Decision type='Packge' name='alpha'/></Decisions>",
        ),
        ("d.json", "[\n[\"Packge\", \"alpha\"]]"),
    ] {
        machine.write(file, text);
        let arguments = [
            "--entries",
            "entries.xml",
            "-r",
            "packages",
            "-l",
            "blacklist",
        ];
        let arguments = [&arguments[..], &["--decision-list", file]].concat();
        let ran = machine.run("apply", &arguments);
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let said = format!("{file}:2: no entry has the type \"Packge\"; did you mean Package?");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
        assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
    }
}
