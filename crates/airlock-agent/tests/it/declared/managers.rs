//! YUMng through the real package managers.

use std::process::Command;

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
