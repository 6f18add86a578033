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

pub(super) fn dnf(machine: &Machine) -> Vec<String> {
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

/// A package that can stand beside its other versions.
fn with_file(name: &str, version: &str) -> Rpm {
    let file = format!("/opt/site/{version}");
    Rpm::new(name, version, "1").arch("noarch").file(&file, "x")
}

/// Makes the repository anew, with these groups.
pub(super) fn groups(machine: &Machine, groups: &str) {
    let text = format!("<?xml version='1.0'?><comps>{groups}</comps>");
    machine.write("comps.xml", &text);
    let made = Command::new("createrepo_c")
        .args(["-q", "-g"])
        .arg(machine.at("comps.xml"))
        .arg(machine.at("repository"))
        .status();
    assert!(made.unwrap().success());
}

/// Two groups in the repository.
fn group(machine: &Machine) {
    let of = |kind: &str, name: &str| format!("<packagereq type='{kind}'>{name}</packagereq>");
    let packages = [
        of("mandatory", "alpha"),
        of("default", "beta"),
        of("optional", "needs"),
        of("conditional", "multi"),
    ];
    groups(
        machine,
        &format!(
            "<group><id>web</id><name>Web Things</name><packagelist>{}</packagelist></group>\
             <group><id>empty</id><name>Empty</name><packagelist/></group>",
            packages.concat()
        ),
    );
}

#[test]
fn a_group_of_the_repository_is_its_packages() {
    let machine = machine(&["kernel-5.0-1.x86_64"]);
    group(&machine);
    let dnf = dnf(&machine);
    machine.declare("<Package group='Web Things' type='yum'/>");
    let ran = run(&machine, "plan", &["-r", "packages"], &dnf);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for said in [
        "upgrade alpha-0:2.0-1.noarch: alpha-1.0-1.noarch is installed instead\n",
        "remove gamma-1.0-1.noarch: it is installed and no entry declares it\n",
    ] {
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
    // What is declared by itself counts as it stands there.
    machine.declare(
        "<Package group='web' choose='all' type='yum'/><Package name='beta' type='yum'><Instance version='1.4' release='1' arch='noarch'/></Package>",
    );
    let ran = apply(&machine, &dnf);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        [
            "alpha-2.0-1.noarch",
            "beta-1.4-1.noarch",
            "needs-1.0-1.noarch"
        ]
    );
    let ran = run(&machine, "verify", &["--json"], &dnf);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["entries"][0]["entry"], "Package:group:web");
    assert_eq!(report["entries"][0]["instances"][1]["name"], "needs");
    assert_eq!((&report["good"], &report["bad"]), (&2.into(), &0.into()));
}

#[test]
fn a_group_that_nobody_knows_is_bad_and_keeps_undeclared_packages() {
    let machine = machine(&[]);
    group(&machine);
    let dnf = dnf(&machine);
    for (entry, said) in [
        ("group='nothere'", "dnf knows no group nothere"),
        ("group='w*'", "\"w*\" is no name of a group"),
        (
            "group='web' choose='defualt'",
            "choose=\"defualt\" is not one of mandatory, default, optional, all",
        ),
    ] {
        let before = machine.installed();
        machine.declare(&format!(
            "<Package {entry} type='yum'><Package name='alpha'/></Package>"
        ));
        let ran = apply(&machine, &dnf);
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        let said = "no package is removed: ";
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
        assert_eq!(machine.installed(), before);
    }
}

#[test]
fn a_known_group_without_packages_is_good_and_a_name_beside_it_declares_nothing() {
    let machine = machine(&[]);
    group(&machine);
    let dnf = dnf(&machine);
    machine.declare("<Package group='empty' type='yum'/><Package name='beta' group='web' choose='mandatory' type='yum'/>");
    let ran = apply(&machine, &dnf);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .contains("Package:group:empty: the group has no packages"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["alpha-2.0-1.noarch"]);
}

#[test]
fn a_large_group_is_read_whole() {
    let machine = machine(&[]);
    let many: String = (0..6000)
        .map(|number| {
            format!("<packagereq type='mandatory'>a-long-name-of-a-package-{number}</packagereq>")
        })
        .collect();
    groups(
        &machine,
        &format!(
            "<group><id>big</id><name>Big</name><packagelist>{many}<packagereq type='default'>alpha</packagereq></packagelist></group>"
        ),
    );
    machine.declare("<Package group='big' type='yum'/>");
    let ran = run(&machine, "verify", &["--json"], &dnf(&machine));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        report["entries"][0]["instances"].as_array().unwrap().len(),
        6001
    );
    assert_eq!(
        report["extra"],
        serde_json::json!(["gamma-1.0-1.noarch", "beta-1.4-1.noarch"])
    );
}

#[test]
fn changed_configuration_of_a_groups_package_is_acknowledged_by_the_packages_name() {
    let machine = machine(&[]);
    group(&machine);
    let dnf = dnf(&machine);
    machine.declare("<Package group='web' choose='mandatory' type='yum'/>");
    assert_eq!(apply(&machine, &dnf).code, 0);
    std::fs::write(machine.root().join("opt/bt/alpha/etc.conf"), "ours\n").unwrap();
    let ran = run(&machine, "plan", &[], &dnf);
    assert!(
        ran.stdout.contains("packages acknowledge alpha"),
        "{}",
        ran.stdout
    );
    let ran = run(&machine, "acknowledge", &["alpha"], &dnf);
    assert_eq!(
        ran.stdout,
        "acknowledged /opt/bt/alpha/etc.conf of alpha-2.0-1.noarch\n"
    );
}

#[test]
fn the_running_kernel_is_neither_upgraded_nor_obsoleted_away_under_another_name() {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let image = format!("/boot/vmlinuz-{}", kernel.trim());
    let own = |version: &str| Rpm::new("own-linux", version, "1").arch("noarch");
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        let running = own("1").file(&image, "x");
        machine.install(&running.write_to(machine.folder.path()));
        let taker = Rpm::new("taker", "1", "1")
            .arch("noarch")
            .obsoletes("own-linux");
        add(&machine, &[own("2"), taker]);
        let options = options(&machine);
        for (entries, said) in [
            (
                "<Package name='own-linux' type='yum'><Instance version='2' release='1' arch='noarch'/></Package>",
                "refused: own-linux-1-1.noarch would be removed, and files of the kernel that is running",
            ),
            (
                "<Package name='own-linux' type='yum'/><Package name='taker' type='yum'/>",
                "refused: own-linux-1-1.noarch would be removed",
            ),
        ] {
            machine.declare(entries);
            let before = machine.installed();
            for force in [&[][..], &["--force"]] {
                let ran = run(&machine, "apply", force, &options);
                assert!(
                    format!("{}{}", ran.stdout, ran.stderr).contains(said),
                    "{}{}",
                    ran.stdout,
                    ran.stderr
                );
                assert_eq!(machine.installed(), before);
            }
        }
    }
}

#[test]
fn the_newest_version_and_another_one_contradict_each_other() {
    let machine = machine(&[]);
    machine.declare(
        "<Package name='alpha' type='yum' version='auto'/><Package name='alpha' type='yum' version='1.0-1'/><Package name='gamma' type='yum' version='auto'/>\
         <Package name='gamma' type='yum'/>",
    );
    let ran = run(&machine, "apply", &[], &dnf(&machine));
    let said = "Package:alpha is declared more than once, as ";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("2 good, 2 bad"), "{}", ran.stdout);
    assert!(
        machine
            .installed()
            .contains(&"alpha-1.0-1.noarch".to_owned())
    );
}

#[test]
fn repositories_that_do_not_answer_are_told_of() {
    let machine = machine(&[]);
    group(&machine);
    let lost = machine.at("repository");
    machine.declare("<Package name='alpha' type='yum' version='auto'/>");
    let mut options = dnf(&machine);
    options.push("--manager-option=--setopt=skip_if_unavailable=True".to_owned());
    std::fs::rename(&lost, machine.at("gone")).unwrap();
    let ran = run(&machine, "verify", &[], &options);
    let said = "note: Package:alpha: the repositories could not be asked for the newest version";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
    machine.declare("<Package group='web' type='yum'/>");
    let ran = run(&machine, "apply", &["-r", "packages"], &options);
    assert!(
        ran.stderr.contains("dnf does not say what is in the group"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed().len(), 3);
}

#[test]
fn what_stands_side_by_side_by_the_settings_does_so_with_dnf_and_is_not_replaced_by_zypper() {
    let own = |version: &str| with_file("site", version);
    for (options, beside) in [(dnf as fn(&Machine) -> Vec<String>, true), (zypper, false)] {
        let machine = machine(&[]);
        machine.install(&own("1.0").write_to(machine.folder.path()));
        add(&machine, &[own("1.0"), own("1.1")]);
        machine.write("bcfg2.conf", "[YUMng]\ninstallonlypackages = site\n");
        machine.declare("<Package name='site' type='yum'><Instance version='1.0' release='1' arch='noarch'/><Instance version='1.1' release='1' arch='noarch'/></Package>");
        let options = options(&machine);
        let ran = run(&machine, "plan", &[], &options);
        assert!(
            ran.stdout
                .contains(": it is not installed; site-1.0-1.noarch stays beside it\n"),
            "{}",
            ran.stdout
        );
        let said = "zypper would put site-1.1-1.noarch in the place of what is there and not beside it; name site in multiversion";
        assert_eq!(ran.stdout.contains(said), !beside, "{}", ran.stdout);
        let ran = run(&machine, "apply", &["--force"], &options);
        let is_there = |name: &str| machine.installed().contains(&name.to_owned());
        assert!(is_there("site-1.0-1.noarch"), "{}", ran.stdout);
        assert_eq!(is_there("site-1.1-1.noarch"), beside, "{}", ran.stdout);
        if beside {
            let again = run(&machine, "plan", &[], &options);
            assert!(again.stdout.ends_with("0 actions\n"), "{}", again.stdout);
        }
    }
}

#[test]
fn extra_instances_stay_when_nothing_can_come_in_their_place() {
    let machine = machine(&["multi-1.0-1.x86_64"]);
    machine.declare(
        "<Package name='multi' type='yum'><Instance version='1.1' release='1' arch='i368'/></Package><Package name='gamma' type='yum'/><Package name='beta' type='yum'/>\
         <Package name='alpha' type='yum'><Instance version='1.1' release='1' arch='noarch'/></Package>",
    );
    let ran = apply(&machine, &dnf(&machine));
    let said = "multi-1.0-1.x86_64 stays: what is declared in its place is not there";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
    let installed = machine.installed();
    assert!(
        installed.contains(&"multi-1.0-1.x86_64".to_owned()),
        "{installed:?}"
    );
    assert!(
        installed.contains(&"alpha-1.1-1.noarch".to_owned()),
        "{installed:?}"
    );
}

#[test]
fn what_became_bad_is_put_right_again_only_where_nothing_goes_for_it() {
    let machine = machine(&[]);
    let app =
        |version: &str, needs: &str| Rpm::new("app", version, "1").arch("noarch").requires(needs);
    let library = |version: &str| Rpm::new("libz", version, "1").arch("noarch");
    machine.install(&library("1").write_to(machine.folder.path()));
    machine.install(&app("1", "libz").write_to(machine.folder.path()));
    add(
        &machine,
        &[library("1"), library("2"), app("2", "libz >= 2")],
    );
    machine.declare(
        "<Package name='app' type='yum'><Instance version='2' release='1' arch='noarch'/></Package><Package name='libz' type='yum'><Instance version='1' release='1' arch='noarch'/></Package>",
    );
    let ran = run(&machine, "apply", &["--detailed-exitcode"], &dnf(&machine));
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    let installed = machine.installed();
    for kept in ["app-2-1.noarch", "libz-2-1.noarch"] {
        assert!(
            installed.contains(&kept.to_owned()),
            "{installed:?}{}",
            ran.stdout
        );
    }
    assert!(ran.stdout.contains("Package:libz: bad\n"), "{}", ran.stdout);
}

#[test]
fn what_was_left_alone_and_changes_all_the_same_is_told() {
    let machine = machine(&[]);
    let library = |version: &str| Rpm::new("libz", version, "1").arch("noarch");
    let app = Rpm::new("app", "2", "1")
        .arch("noarch")
        .requires("libz >= 2");
    machine.install(&library("1").write_to(machine.folder.path()));
    add(&machine, &[library("2"), app]);
    machine.declare("<Package name='app' type='yum'/><Package name='libz' type='yum'><Instance version='2' release='1' arch='noarch'/></Package>");
    machine.write("list.json", "[[\"Package\", \"libz\"]]");
    let list = ["-l", "blacklist", "--decision-list", "list.json"];
    let ran = run(&machine, "plan", &list, &dnf(&machine));
    let said = "libz-2-1.noarch changes although it was left alone: needed by app";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_extra_instance_that_is_in_the_way_goes_first() {
    let machine = machine(&["multi-1.0-1.i686", "multi-1.0-1.x86_64"]);
    // Only the other architecture comes in the new version, and files of both have to be the same.
    std::fs::remove_file(machine.at("repository/multi-1.1-1.i686.rpm")).unwrap();
    add(&machine, &[]);
    machine.declare(
        "<Package name='multi' type='yum'><Instance version='1.1' release='1' arch='x86_64'/></Package><Package name='alpha' type='yum'/><Package name='beta' type='yum'/><Package name='gamma' type='yum'/>",
    );
    let ran = apply(&machine, &dnf(&machine));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let installed = machine.installed();
    assert!(
        installed.contains(&"multi-1.1-1.x86_64".to_owned()),
        "{installed:?}"
    );
    assert!(
        !installed.iter().any(|one| one.ends_with("i686")),
        "{installed:?}"
    );
}

#[test]
fn an_extra_instance_stays_when_something_else_keeps_the_declared_one_away() {
    for requires in ["nowhere", "conflictlib"] {
        let machine = machine(&[]);
        let old = Rpm::new("own", "1", "1").arch("i686");
        let file = old.write_to(machine.folder.path());
        machine.rpm(&[
            "--install",
            "--ignorearch",
            "--nosignature",
            file.to_str().unwrap(),
        ]);
        add(
            &machine,
            &[Rpm::new("own", "2", "1").arch("noarch").requires(requires)],
        );
        machine.declare("<Package name='own' type='yum'><Instance version='2' release='1' arch='noarch'/></Package><Package name='alpha' type='yum'/>");
        for options in [dnf(&machine), zypper(&machine)] {
            let ran = apply(&machine, &options);
            let installed = machine.installed();
            assert!(
                installed.contains(&"own-1-1.i686".to_owned()),
                "{installed:?}{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn kernels_of_the_newest_version_are_kept_to_the_managers_limit() {
    let machine = machine(&[]);
    let own = |version: &str| with_file("kernel", version);
    for version in ["1", "2", "3"] {
        machine.install(&own(version).write_to(machine.folder.path()));
    }
    for file in [
        "kernel-5.0-1.x86_64",
        "kernel-5.1-1.x86_64",
        "kernel-5.2-1.x86_64",
    ] {
        std::fs::remove_file(machine.at(&format!("repository/{file}.rpm"))).unwrap();
    }
    add(&machine, &[own("4")]);
    machine.declare("<Package name='kernel' type='yum' version='auto'/>");
    let ran = run(&machine, "apply", &[], &dnf(&machine));
    let installed = machine.installed();
    let kernels: Vec<&String> = installed
        .iter()
        .filter(|one| one.starts_with("kernel-"))
        .collect();
    assert_eq!(kernels.len(), 3, "{kernels:?}{}", ran.stdout);
    assert!(
        kernels.iter().any(|one| one.starts_with("kernel-4")),
        "{kernels:?}"
    );
}

#[test]
fn as_many_kernels_as_are_declared_stand_beside_each_other() {
    let machine = machine(&[]);
    let own = |version: &str| with_file("kernel", version);
    let versions = ["1", "2", "3", "4", "5"];
    for version in &versions[..3] {
        machine.install(&own(version).write_to(machine.folder.path()));
    }
    let all: Vec<Rpm> = versions.iter().map(|version| own(version)).collect();
    add(&machine, &all);
    let instances: String = versions
        .iter()
        .map(|version| format!("<Instance version='{version}' release='1' arch='noarch'/>"))
        .collect();
    machine.declare(&format!(
        "<Package name='kernel' type='yum'>{instances}</Package>"
    ));
    let ran = run(&machine, "apply", &[], &dnf(&machine));
    assert!(
        ran.stdout.contains("1 good, 0 bad"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let installed = machine.installed();
    let kernels = installed.iter().filter(|one| one.starts_with("kernel-"));
    assert_eq!(kernels.count(), 5, "{installed:?}");
}

#[test]
fn an_architecture_that_another_entry_declares_is_not_extra_and_a_leftover_is() {
    let machine = machine(&["multi-1.0-1.i686", "multi-1.0-1.x86_64"]);
    let entry = |rest: &str| format!("<Package name='multi' type='yum'>{rest}</Package>");
    let one = |arch: &str| {
        entry(&format!(
            "<Instance version='1.1' release='1' arch='{arch}'/>"
        ))
    };
    machine.declare(&format!(
        "{}</Bundle><Bundle name='b2'>{}",
        one("x86_64"),
        one("i686")
    ));
    let ran = run(
        &machine,
        "plan",
        &["-r", "packages", "-b", "b1"],
        &dnf(&machine),
    );
    assert!(!ran.stdout.contains("multi-1.0-1.i686"), "{}", ran.stdout);
    let double = Rpm::new("twice", "1", "1").arch("noarch");
    let newer = Rpm::new("twice", "2", "1").arch("noarch");
    for package in [double, newer] {
        machine.install(&package.write_to(machine.folder.path()));
    }
    machine.declare(
        "<Package name='twice' type='yum'><Instance version='2' release='1' arch='noarch'/></Package><Package name='twice' type='yum' version='any'/>",
    );
    let ran = run(&machine, "verify", &[], &dnf(&machine));
    assert!(
        ran.stdout.contains("D(None:1-1.noarch)") || ran.stdout.contains("D(*:1-1.noarch)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_provides_a_declared_name_stays() {
    let machine = machine(&[]);
    let capper = Rpm::new("capper", "1", "1").arch("noarch").provides("vcap");
    machine.install(&capper.write_to(machine.folder.path()));
    machine.declare("<Package name='vcap' type='yum'/><Package name='gamma' type='yum'/>");
    let ran = apply(&machine, &dnf(&machine));
    let said = "capper stays: it is what provides vcap, which is declared; declare capper itself";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("2 good, 0 bad"), "{}", ran.stdout);
    let after = machine.installed();
    assert!(
        after.iter().any(|one| one.starts_with("capper-")),
        "{after:?}"
    );
}

/// dnf that counts how often repositories are asked.
#[test]
fn the_newest_versions_of_all_names_are_asked_for_once() {
    let machine = machine(&[]);
    let path = dnf_of_our_own(&machine, "echo \"$*\" >> asked; exec /usr/bin/dnf \"$@\"");
    machine.declare(
        "<Package name='alpha' type='yum' version='auto'/><Package name='beta' type='yum' version='auto'/><Package name='gamma' type='yum' version='auto'/>",
    );
    let dnf = dnf(&machine);
    let options: Vec<&str> = dnf.iter().map(String::as_str).collect();
    let mut arguments = with(&[]);
    arguments.extend(options);
    let ran = machine
        .command("apply", &arguments)
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(
        machine.installed(),
        [
            "alpha-2.0-1.noarch",
            "beta-1.0-1.noarch",
            "gamma-1.0^git1-1.noarch"
        ]
    );
    let asked = std::fs::read_to_string(machine.at("asked")).unwrap();
    let questions = asked.lines().filter(|line| line.contains(" repoquery "));
    assert_eq!(questions.count(), 1, "{asked}");
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

/// How packages are asked for, and what is said of it.
type Way = (fn(&Machine) -> Vec<String>, &'static str);

#[test]
fn neither_manager_obsoletes_what_must_stay() {
    let ways: [Way; 2] = [
        (dnf, "taker stays as it is: "),
        (zypper, "refused: vital-1-1.noarch would be removed"),
    ];
    for (options, refusal) in ways {
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
        assert!(said.contains(refusal), "{said}");
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

/// A package that takes the place of three others, which are installed.
fn taker_of_three(machine: &Machine) -> Rpm {
    let mut taker = Rpm::new("taker", "1", "1").arch("noarch");
    for name in ["one", "two", "three"] {
        let old = Rpm::new(name, "1", "1").arch("noarch");
        machine.install(&old.write_to(machine.folder.path()));
        taker = taker.obsoletes(name);
    }
    taker
}

#[test]
fn an_entry_that_no_repository_has_does_not_hide_what_the_others_take_away() {
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        let taker = taker_of_three(&machine);
        add(&machine, &[taker]);
        machine.declare("<Package name='nowhere' type='yum'/><Package name='taker' type='yum'/>");
        let before = machine.installed();
        let options = options(&machine);
        let ran = run(&machine, "apply", &["--max-remove", "2"], &options);
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        let said = "3 packages would be removed, more than 2";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert_eq!(machine.installed(), before);
        let ran = run(&machine, "apply", &["--max-remove", "3"], &options);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let installed = machine.installed();
        assert!(
            installed.contains(&"taker-1-1.noarch".to_owned()),
            "{}",
            ran.stdout
        );
        assert!(
            !installed.contains(&"one-1-1.noarch".to_owned()),
            "{}",
            ran.stdout
        );
    }
}

/// A folder with a program `dnf` that does what the script says; `$1` to the end are dnf's arguments.
fn dnf_of_our_own(machine: &Machine, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = machine.at("programs");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("dnf");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let others = std::env::var("PATH").unwrap();
    format!("{}:{others}", folder.display())
}

#[test]
fn what_was_not_foreseen_is_held_to_the_rules_one_by_one() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.write("bcfg2.conf", "[YUMng]\n");
    taker_of_three(&machine);
    machine.declare("<Package name='nowhere' type='yum'/><Package name='taker' type='yum'/>");
    // The repositories do not answer until taker is asked for alone before it is installed.
    let path = dnf_of_our_own(
        &machine,
        "case \"$*\" in *--assumeno*) ;; *) : > changed; exit 0;; esac
echo >> questions
if [ $(wc -l < questions) -lt 6 ]; then echo 'Error: Unable to find a match'; exit 1; fi
cat <<'END'
Installing:
 taker  noarch  1-1  r  6 k
     replacing  one.noarch 1-1
     replacing  two.noarch 1-1
     replacing  three.noarch 1-1
Transaction Summary
END
exit 1",
    );
    let arguments = with(&["--manager=dnf", "--max-remove", "2"]);
    let mut command = machine.command("apply", &arguments);
    let ran: crate::scratch::Ran = command.env("PATH", path).output().unwrap().into();
    let said = "taker stays as it is: refused: 3 packages would be removed, more than 2";
    assert!(ran.stdout.contains(said), "{}{}", ran.stdout, ran.stderr);
    assert!(!machine.at("changed").exists(), "{}", ran.stdout);
}

#[test]
fn managers_answer_in_the_language_that_is_read_here() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.write("bcfg2.conf", "[YUMng]\n");
    machine.declare(
        "<Package name='needs' type='yum'/><Package name='alpha' type='yum' version='auto'/>",
    );
    let path = dnf_of_our_own(
        &machine,
        "echo \"$LANGUAGE|$LC_ALL|$(echo $*)\" >> asked; exit 1",
    );
    let mut command = machine.command("plan", &with(&["--manager=dnf"]));
    command.env("PATH", path).env("LANGUAGE", "de:fr");
    let ran: crate::scratch::Ran = command.output().unwrap().into();
    let asked = std::fs::read_to_string(machine.at("asked")).unwrap();
    assert!(asked.contains("--assumeno"), "{asked}{}", ran.stderr);
    assert!(asked.contains("repoquery"), "{asked}{}", ran.stderr);
    for line in asked.lines() {
        assert!(line.starts_with("|C.UTF-8|"), "{line}");
    }
}

#[test]
fn a_plan_is_stale_when_the_repository_takes_more_away_meanwhile() {
    for options in [dnf, zypper] {
        let machine = machine(&[]);
        let old = Rpm::new("old", "1", "1").arch("noarch");
        machine.install(&old.write_to(machine.folder.path()));
        let taker = || Rpm::new("taker", "1", "1").arch("noarch");
        add(&machine, &[taker()]);
        machine.declare("<Package name='taker' type='yum'/>");
        let mut options = options(&machine);
        let plan = run(&machine, "plan", &["-o", "plan.json"], &options);
        assert_eq!(plan.code, 0, "{}", plan.stderr);
        assert!(!plan.stdout.contains("old-1-1"), "{}", plan.stdout);
        add(&machine, &[taker().obsoletes("old")]);
        if options[0].ends_with("dnf") {
            options.push("--manager-option=--refresh".to_owned());
        }
        let before = machine.installed();
        for force in [&[][..], &["--force"]] {
            let more: Vec<&str> = ["--plan", "plan.json"]
                .iter()
                .chain(force)
                .copied()
                .collect();
            let ran = run(&machine, "apply", &more, &options);
            assert_eq!(ran.code, 1, "{}", ran.stdout);
            let said = "old-1-1.noarch would be removed, of which the plan does not speak";
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
            assert_eq!(machine.installed(), before);
        }
        // A plan that speaks of it is carried out.
        let plan = run(&machine, "plan", &["-o", "plan.json"], &options);
        assert!(
            plan.stdout.contains("remove old-1-1.noarch"),
            "{}",
            plan.stdout
        );
        let ran = run(&machine, "apply", &["--plan", "plan.json"], &options);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(machine.installed().contains(&"taker-1-1.noarch".to_owned()));
    }
}

#[test]
fn a_declared_instance_does_not_go_because_another_one_of_its_name_does() {
    let machine = machine(&[]);
    let both = |arch: &str| Rpm::new("both", "1", "1").arch(arch);
    for package in [
        Rpm::new("helper", "1", "1").arch("noarch"),
        both("x86_64").requires("helper"),
        both("i686"),
    ] {
        machine.install(&package.write_to(machine.folder.path()));
    }
    machine.declare(
        "<Package name='both' type='yum'><Instance version='1' release='1' arch='x86_64'/></Package>",
    );
    let ran = apply(&machine, &dnf(&machine));
    let installed = machine.installed();
    let has = |name: &str| installed.contains(&name.to_owned());
    assert!(has("both-1-1.x86_64"), "{}{}", ran.stdout, ran.stderr);
    assert!(has("helper-1-1.noarch"), "{}", ran.stdout);
    assert!(!has("both-1-1.i686"), "{}", ran.stdout);
    assert!(!has("beta-1.4-1.noarch"), "{}", ran.stdout);
}
