//! YUMng through the real package managers.

use std::process::Command;

use airlock_testkit::rpms::Rpm;

use super::{Machine, rpms, with};

const ENTRIES: &str = "
  <Package name='alpha' type='yum'><Instance version='1.1' release='1' arch='noarch'/></Package>
  <Package name='gamma' type='yum'><Instance version='1.0' release='1' arch='noarch'/></Package>
  <Package name='needs' type='yum'/>";

/// A root with alpha to upgrade, gamma to mend, beta to remove, and a repository.
fn machine(more: &[&str]) -> Machine {
    let mut packages = vec![
        "alpha-1.0-1.noarch",
        "gamma-1.0-1.noarch",
        "beta-1.4-1.noarch",
    ];
    packages.extend(more);
    let machine = Machine::new(&packages);
    std::fs::remove_file(machine.root().join("opt/bt/gamma/data")).unwrap();
    machine.declare(ENTRIES);
    machine.write("bcfg2.conf", "[YUMng]\n");
    let repository = machine.at("repository");
    std::fs::create_dir(&repository).unwrap();
    for file in std::fs::read_dir(rpms()).unwrap() {
        let file = file.unwrap();
        if file
            .path()
            .extension()
            .is_some_and(|ending| ending == "rpm")
        {
            std::fs::copy(file.path(), repository.join(file.file_name())).unwrap();
        }
    }
    std::fs::create_dir(machine.at("no-repositories")).unwrap();
    let made = Command::new("createrepo_c")
        .arg("-q")
        .arg(&repository)
        .status();
    assert!(made.unwrap().success());
    machine
}

fn dnf(machine: &Machine) -> Vec<String> {
    let at = |name: &str| machine.at(name).display().to_string();
    [
        "--manager=dnf".to_owned(),
        "--manager-option=--noplugins".to_owned(),
        "--manager-option=--nogpgcheck".to_owned(),
        "--manager-option=--releasever=1".to_owned(),
        format!(
            "--manager-option=--setopt=reposdir={}",
            at("no-repositories")
        ),
        format!("--manager-option=--setopt=cachedir={}", at("cache")),
        format!(
            "--manager-option=--repofrompath=r,file://{}",
            at("repository")
        ),
        "--manager-option=--repo=r".to_owned(),
    ]
    .to_vec()
}

fn apply(machine: &Machine, options: &[String]) -> crate::scratch::Ran {
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut arguments = with(&["-r", "packages", "--detailed-exitcode"]);
    arguments.extend(options);
    machine.run("apply", &arguments)
}

const AFTER: [&str; 3] = [
    "alpha-1.1-1.noarch",
    "gamma-1.0-1.noarch",
    "needs-1.0-1.noarch",
];

#[test]
fn dnf_installs_upgrades_mends_and_removes_what_was_declared() {
    let machine = machine(&[]);
    let ran = apply(&machine, &dnf(&machine));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(machine.installed(), AFTER);
    assert!(machine.root().join("opt/bt/gamma/data").exists());
}

#[test]
fn dnf_does_not_take_declared_packages_along_with_an_extra_one() {
    // needs stands on alpha, and alpha is not declared.
    let machine = machine(&["needs-1.0-1.noarch"]);
    machine.declare(
        "<Package name='needs' type='yum'/><Package name='gamma' type='yum' pkg_checks='false'/>",
    );
    let ran = apply(&machine, &dnf(&machine));
    let installed = machine.installed();
    assert!(
        installed.contains(&"needs-1.0-1.noarch".to_owned()),
        "{}",
        ran.stdout
    );
    assert!(
        installed.contains(&"alpha-1.0-1.noarch".to_owned()),
        "{}",
        ran.stdout
    );
    // What nothing needs went all the same, when all together failed.
    assert!(
        !installed.contains(&"beta-1.4-1.noarch".to_owned()),
        "{}",
        ran.stdout
    );
}

#[test]
fn zypper_installs_upgrades_mends_and_removes_what_was_declared() {
    let machine = machine(&[]);
    let options = [
        "--manager=zypper".to_owned(),
        "--manager-option=--no-gpg-checks".to_owned(),
        format!(
            "--manager-option=--plus-repo=dir://{}",
            machine.at("repository").display()
        ),
    ];
    let ran = apply(&machine, &options);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(machine.installed(), AFTER);
}

/// Packages of our own in the repository, beside or in place of those that are there.
fn add(machine: &Machine, packages: &[Rpm]) {
    let repository = machine.at("repository");
    for package in packages {
        package.write_to(&repository);
    }
    let made = Command::new("createrepo_c")
        .arg("-q")
        .arg(&repository)
        .status();
    assert!(made.unwrap().success());
}

fn zypper(machine: &Machine) -> Vec<String> {
    [
        "--manager=zypper".to_owned(),
        "--manager-option=--no-gpg-checks".to_owned(),
        format!(
            "--manager-option=--plus-repo=dir://{}",
            machine.at("repository").display()
        ),
    ]
    .to_vec()
}

fn run(machine: &Machine, word: &str, more: &[&str], options: &[String]) -> crate::scratch::Ran {
    let mut arguments = with(more);
    arguments.extend(options.iter().map(String::as_str));
    machine.run(word, &arguments)
}

#[test]
fn neither_manager_obsoletes_what_must_stay() {
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        let vital = Rpm::new("vital", "1", "1").arch("noarch");
        machine.install(&vital.write_to(machine.folder.path()));
        let folder = machine.root().join("etc/dnf/protected.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("site.conf"), "vit*\n").unwrap();
        add(
            &machine,
            &[Rpm::new("taker", "1", "1")
                .arch("noarch")
                .obsoletes("vital")],
        );
        machine.declare("<Package name='taker' type='yum'/>");
        let ran = run(
            &machine,
            "apply",
            &["--detailed-exitcode"],
            &options(&machine),
        );
        assert_ne!(ran.code, 0, "{}", ran.stdout);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("vital"), "{said}");
        let installed = machine.installed();
        assert!(installed.contains(&"vital-1-1.noarch".to_owned()), "{said}");
        assert!(
            !installed.contains(&"taker-1-1.noarch".to_owned()),
            "{said}"
        );
    }
}

#[test]
fn what_needs_a_removed_package_is_not_taken_along_when_the_operator_keeps_it() {
    let machine = machine(&["needs-1.0-1.noarch"]);
    machine.declare("<Package name='gamma' type='yum' pkg_checks='false'/>");
    let options = dnf(&machine);
    let mut arguments = with(&["-I", "-r", "packages", "--detailed-exitcode"]);
    arguments.extend(options.iter().map(String::as_str));
    // Asked are alpha, beta and needs, in this order: needs stands on alpha, and stays.
    let ran = machine.answering("apply", &arguments, "y\ny\nn\n");
    assert_eq!(
        machine.installed(),
        [
            "alpha-1.0-1.noarch",
            "gamma-1.0-1.noarch",
            "needs-1.0-1.noarch"
        ],
        "{}",
        ran.stdout
    );
    // Undeclared packages are left, and they were to go.
    assert_eq!(ran.code, 3, "{}", ran.stdout);
}

#[test]
fn a_plan_shows_what_the_manager_adds_and_takes_away() {
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        let old = Rpm::new("old", "1", "1").arch("noarch");
        machine.install(&old.write_to(machine.folder.path()));
        add(
            &machine,
            &[
                Rpm::new("top", "1", "1").arch("noarch").requires("below"),
                Rpm::new("below", "1", "1").arch("noarch").obsoletes("old"),
            ],
        );
        machine.declare("<Package name='top' type='yum'/>");
        let ran = run(&machine, "plan", &[], &options(&machine));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for line in [
            "install top: it is not installed",
            "install below-1-1.noarch: needed by top",
            "remove old-1-1.noarch: it makes room for top",
            "3 actions",
        ] {
            assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
        }
    }
}

#[test]
fn without_autodep_only_what_was_asked_for_is_installed() {
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        add(
            &machine,
            &[
                Rpm::new("top", "1", "1").arch("noarch").requires("below"),
                Rpm::new("below", "1", "1").arch("noarch"),
                Rpm::new("alone", "1", "1").arch("noarch"),
            ],
        );
        machine.declare("<Package name='top' type='yum'/><Package name='alone' type='yum'/>");
        machine.write("bcfg2.conf", "[YUMng]\nautodep = false\n");
        let ran = run(&machine, "apply", &[], &options(&machine));
        let installed = machine.installed();
        assert!(
            installed.contains(&"alone-1-1.noarch".to_owned()),
            "{}",
            ran.stdout
        );
        assert!(
            !installed.contains(&"top-1-1.noarch".to_owned()),
            "{}",
            ran.stdout
        );
        let said =
            "top stays as it is: below-1-1.noarch would be installed too, and autodep is false";
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
}

#[test]
fn what_dnf_replaces_counts_as_removed() {
    let machine = machine(&[]);
    let mut taker = Rpm::new("taker", "1", "1").arch("noarch");
    for name in ["one", "two", "three"] {
        let old = Rpm::new(name, "1", "1").arch("noarch");
        machine.install(&old.write_to(machine.folder.path()));
        taker = taker.obsoletes(name);
    }
    add(&machine, &[taker]);
    machine.declare("<Package name='taker' type='yum'/>");
    let options = dnf(&machine);
    let ran = run(&machine, "apply", &["--max-remove", "2"], &options);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let said = "3 packages would be removed, more than 2";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let ran = run(&machine, "apply", &["--max-remove", "3"], &options);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(machine.installed().contains(&"taker-1-1.noarch".to_owned()));
}
