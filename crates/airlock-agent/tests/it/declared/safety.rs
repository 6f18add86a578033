//! What is refused.

use airlock_testkit::rpms::Rpm;

use super::{Machine, with};

const ALPHA: &str = "<Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>";

/// A root with alpha declared and these packages beside it.
fn beside(packages: &[Rpm]) -> Machine {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(ALPHA);
    for package in packages {
        let file = package.write_to(machine.folder.path());
        machine.install(&file);
    }
    machine
}

#[track_caller]
fn refused(machine: &Machine, arguments: &[&str], expected: &str) {
    let before = machine.installed();
    let ran = machine.run("apply", &with(arguments));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert_eq!(machine.installed(), before);
}

#[test]
fn rpm_the_package_manager_the_agent_and_what_dnf_protects_are_never_removed() {
    for name in ["rpm", "dnf", "airlock-agent", "vital"] {
        let machine = beside(&[Rpm::new(name, "1", "1")]);
        let folder = machine.root().join("etc/dnf/protected.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("site.conf"), "vital\n").unwrap();
        let said = format!("refused: {name}-1-1.");
        refused(&machine, &["-r", "packages"], &said);
        refused(&machine, &["-r", "packages", "--force"], &said);
    }
}

/// Version and release of a package that is the kernel of this machine: what uname says up to the flavour behind it.
fn running() -> (String, String) {
    let running = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut parts = running.trim().split('-');
    let version = parts.next().unwrap().to_owned();
    let release = parts.next().expect("uname -r has a release").to_owned();
    (version, release)
}

#[test]
fn the_running_kernel_is_never_removed() {
    let (version, release) = running();
    let machine = beside(&[Rpm::new("kernel", &version, &release)]);
    refused(&machine, &["-r", "packages", "--force"], "is running");
}

#[test]
fn a_kernel_of_any_name_is_known_by_its_files_and_modules_of_others_are_not_it() {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let kernel = kernel.trim();
    let own = |version: &str, file: &str| {
        Rpm::new("own-linux", version, "1")
            .arch("noarch")
            .file(file, "x")
    };
    for file in [
        format!("/lib/modules/{kernel}/kernel/fs/x.ko"),
        format!("/boot/vmlinuz-{kernel}"),
    ] {
        let machine = beside(&[own("1", &file)]);
        let said = "refused: own-linux-1-1.noarch would be removed, and files of the kernel that is running";
        refused(&machine, &["-r", "packages", "--force"], said);
        let newer = own("2", "/opt/x");
        newer.write_to(machine.folder.path());
        machine.declare(&format!(
            "{ALPHA}<Package name='own-linux' type='rpm' uri='{}'><Instance simplefile='{}' version='2' release='1' arch='noarch'/></Package>",
            machine.folder.path().display(),
            newer.file_name()
        ));
        refused(
            &machine,
            &["--force"],
            "put own-linux into installonlypackages",
        );
    }
    let machine = beside(&[own("1", &format!("/lib/modules/{kernel}/extra/x.ko"))]);
    let ran = machine.run("apply", &with(&["-r", "packages"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

#[test]
fn many_removals_need_force_or_a_higher_limit() {
    let many: Vec<Rpm> = (0..4)
        .map(|number| Rpm::new(&format!("extra{number}"), "1", "1"))
        .collect();
    let machine = beside(&many);
    let said = "4 packages would be removed, more than 3";
    refused(&machine, &["-r", "packages", "--max-remove", "3"], said);
    let ran = machine.run("apply", &with(&["-r", "packages", "--max-remove", "4"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

#[test]
fn an_empty_list_removes_nothing_without_force() {
    let machine = beside(&[]);
    machine.declare("");
    refused(&machine, &["-r", "packages"], "no package is declared");
    refused(&machine, &[], "no package is declared");
    assert_eq!(machine.run("plan", &with(&[])).code, 1);
    for looking in ["verify", "apply"] {
        let ran = machine.run(looking, &with(&["-n"]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let ran = machine.run("apply", &with(&["-r", "packages", "--force"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(machine.installed().is_empty());
}

#[test]
fn systemd_and_glibc_go_back_over_a_major_version_only_by_force() {
    for (name, old, new) in [("systemd", "219", "252"), ("glibc", "2.17", "2.34")] {
        let machine = beside(&[Rpm::new(name, new, "1").arch("noarch")]);
        let older = Rpm::new(name, old, "1").arch("noarch");
        older.write_to(machine.folder.path());
        let file = older.file_name();
        machine.declare(&format!(
            "{ALPHA}<Package name='{name}' type='rpm' uri='{}'><Instance simplefile='{file}' version='{old}' release='1' arch='noarch'/></Package>",
            machine.folder.path().display()
        ));
        refused(&machine, &[], "across a major version");
        let ran = machine.run("apply", &with(&["--force"]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let wanted = format!("{name}-{old}-1.noarch");
        assert!(machine.installed().contains(&wanted), "{}", ran.stdout);
    }
}

#[test]
fn two_runs_at_once_are_one_too_many() {
    let machine = beside(&[]);
    let lock = machine.root().join("var/lock/bcfg2.run");
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let file = std::fs::File::create(&lock).unwrap();
    file.lock().unwrap();
    refused(&machine, &[], "another run holds");
    let ran = machine.run("apply", &with(&["-O"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn upgrading_over_the_running_kernel_is_refused_when_it_would_go() {
    let (version, release) = running();
    let machine = beside(&[Rpm::new("kernel-core", &version, &release).arch("noarch")]);
    let newer = Rpm::new("kernel-core", "999", "1").arch("noarch");
    newer.write_to(machine.folder.path());
    machine.declare(&format!(
        "{ALPHA}<Package name='kernel-core' type='rpm' uri='{}'><Instance simplefile='{}' version='999' release='1' arch='noarch'/></Package>",
        machine.folder.path().display(),
        newer.file_name()
    ));
    let said = "put kernel-core into installonlypackages";
    refused(&machine, &["--force"], said);
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\ninstallonlypackages = kernel, kernel-core\n",
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        machine
            .installed()
            .contains(&"kernel-core-999-1.noarch".to_owned())
    );
}

/// A newer kernel-core declared on a root with the running one, which stands side by side by what it provides alone.
#[test]
fn a_kernel_that_is_side_by_side_only_by_what_it_provides_is_not_upgraded_away() {
    let (version, release) = running();
    let core = |version: &str, release: &str| {
        Rpm::new("kernel-core", version, release)
            .arch("noarch")
            .provides("kernel")
    };
    let machine = beside(&[core(&version, &release)]);
    let newer = core("999", "1");
    newer.write_to(machine.folder.path());
    machine.declare(&format!(
        "{ALPHA}<Package name='kernel-core' type='rpm' uri='{}'><Instance simplefile='{}' version='999' release='1' arch='noarch'/></Package>",
        machine.folder.path().display(),
        newer.file_name()
    ));
    refused(
        &machine,
        &["--force"],
        "put kernel-core into installonlypackages",
    );
}

#[test]
fn entries_of_other_drivers_declare_nothing_that_may_be_removed() {
    let machine = beside(&[]);
    machine.declare("<Package name='alpha' type='deb' version='1.0-1'/>");
    refused(&machine, &["-r", "packages"], "no package is declared");
}

#[test]
fn protected_names_are_read_from_files_that_are_no_text_and_from_lists_over_several_lines() {
    for (file, text) in [
        ("etc/dnf/protected.d/site.conf", &b"# caf\xe9\nvital\n"[..]),
        (
            "etc/dnf/dnf.conf",
            &b"[main]\nprotected_packages = first,\n  vital\nkeepcache=1\n"[..],
        ),
        ("etc/yum.conf", &b"[main]\nprotected_packages=vit*\n"[..]),
        (
            "etc/dnf/dnf.conf",
            &b"[main]\nprotected_packages=x glob:/etc/site/*.conf,y\n"[..],
        ),
    ] {
        let machine = beside(&[Rpm::new("vital", "1", "1")]);
        let site = machine.root().join("etc/site");
        std::fs::create_dir_all(&site).unwrap();
        let name = if text.windows(5).any(|part| part == b"glob:") {
            "vital\n"
        } else {
            ""
        };
        std::fs::write(site.join("one.conf"), name).unwrap();
        let path = machine.root().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        refused(
            &machine,
            &["-r", "packages", "--force"],
            "refused: vital-1-1.",
        );
    }
}

#[test]
fn the_old_quirks_get_round_no_safety_rule() {
    // rpm stands beside itself in another architecture, and its entry is declined; the old driver took it all the same.
    let machine = beside(&[
        Rpm::new("rpm", "1", "1").arch("x86_64"),
        Rpm::new("rpm", "1", "1").arch("i686"),
    ]);
    machine.write(
        "bcfg2.conf",
        "[client]\ndrivers = RPMng\n[RPMng]\nlegacy_quirks = yes\n",
    );
    machine.declare(&format!(
        "{}<Package name='rpm' type='rpm' uri='URI'><Instance simplefile='rpm-1-1.x86_64.rpm' version='1' release='1' arch='x86_64'/></Package>",
        ALPHA.replace("1.0", "1.1")
    ));
    let before = machine.installed();
    let ran = machine.answering("apply", &with(&["-r", "packages", "-I"]), "y\nn\n");
    assert!(
        ran.stderr
            .contains("refused: rpm-1-1.i686 would be removed"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert_eq!(machine.installed(), before);
}

/// A root that is somebody else's: its links point at places outside, where nothing may be written.
#[test]
fn links_of_a_root_lead_nothing_that_is_written_out_of_it() {
    let machine = beside(&[Rpm::new("tool", "1", "1")
        .arch("noarch")
        .config("/etc/tool.conf", "one")]);
    let outside = machine.at("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("victim"), "kept").unwrap();
    for inside in [
        "var/lib/airlock-agent",
        "var/cache/airlock-agent",
        "var/lock",
    ] {
        let link = machine.root().join(inside);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&outside, link).unwrap();
    }
    // Where the absolute link leads inside the root lie further ones.
    let within = machine.root().join(outside.strip_prefix("/").unwrap());
    std::fs::create_dir_all(&within).unwrap();
    for name in ["acknowledged.part", "packages.journal"] {
        std::os::unix::fs::symlink(outside.join("victim"), within.join(name)).unwrap();
    }
    std::fs::write(machine.root().join("etc/tool.conf"), "two").unwrap();
    machine.declare(&format!(
        "{}<Package name='tool' type='rpm' uri='URI'><Instance simplefile='tool.rpm' version='1' release='1' arch='noarch' verify_flags='nomtime'/></Package>",
        ALPHA.replace("1.0", "1.1")
    ));
    let ran = machine.run("acknowledge", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "acknowledged /etc/tool.conf of tool-1-1.noarch\n"
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("2 good, 0 bad"), "{}", ran.stdout);
    let left: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["victim"]);
    assert_eq!(std::fs::read(outside.join("victim")).unwrap(), b"kept");
    assert!(within.join("acknowledged.json").is_file());
}

/// The file of a package that takes the place of these, and an entry for it.
fn taking_over(machine: &Machine, names: &[&str]) -> String {
    let mut taker = Rpm::new("taker", "1", "1").arch("noarch");
    for name in names {
        taker = taker.obsoletes(name);
    }
    taker.write_to(machine.folder.path());
    format!(
        "<Package name='taker' type='rpm' uri='{}'><Instance simplefile='{}' version='1' release='1' arch='noarch'/></Package>",
        machine.folder.path().display(),
        taker.file_name()
    )
}

#[test]
fn what_must_stay_does_not_go_because_something_declared_obsoletes_it() {
    let (version, release) = running();
    for (name, version, release) in [
        ("rpm", "1", "1"),
        ("airlock-agent", "1", "1"),
        ("vital", "1", "1"),
        ("kernel", version.as_str(), release.as_str()),
    ] {
        let machine = beside(&[Rpm::new(name, version, release).arch("noarch")]);
        let folder = machine.root().join("etc/dnf/protected.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("site.conf"), "vital\n").unwrap();
        let taker = taking_over(&machine, &[name]);
        machine.declare(&format!("{ALPHA}{taker}"));
        let said = format!("refused: {name}-{version}-{release}.noarch would be removed");
        refused(&machine, &["--force"], &said);
        let plan = machine.run("plan", &with(&[]));
        assert_eq!(plan.code, 1, "{}", plan.stdout);
        assert!(
            plan.stdout.contains("taker-1-1.noarch obsoletes it"),
            "{}",
            plan.stdout
        );
    }
}

#[test]
fn what_is_obsoleted_counts_as_removed_and_versions_that_are_not_meant_stay() {
    let machine = beside(&[
        Rpm::new("old", "1", "1").arch("noarch"),
        Rpm::new("older", "1", "1").arch("noarch"),
        Rpm::new("rpm", "5", "1").arch("noarch"),
    ]);
    let taker = taking_over(&machine, &["old", "older < 2", "rpm < 5"]);
    machine.declare(&format!(
        "{ALPHA}{taker}<Package name='rpm' type='rpm' uri='/' pkg_checks='false'/>"
    ));
    refused(
        &machine,
        &["--max-remove", "1"],
        "2 packages would be removed, more than 1",
    );
    let ran = machine.run("apply", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "rpm-5-1.noarch", "taker-1-1.noarch"]
    );
}

#[test]
fn undeclared_packages_stay_while_a_group_is_declared_whose_packages_are_not_known() {
    let machine = beside(&[]);
    machine.declare("<Package group='web' choose='default' type='yum'/><Package name='alpha' type='yum'/><Package name='gone' type='deb'/>");
    machine.write("bcfg2.conf", "[YUMng]\n");
    machine.install(&super::rpms().join("beta-1.0-1.noarch.rpm"));
    let before = machine.installed();
    let ran = machine.run("apply", &with(&["-r", "packages"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let said = "no package is removed: Package:group:web declares packages that are not known here";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert_eq!(machine.installed(), before);
    let ran = machine.run("verify", &with(&[]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("what is in the group web is not known; declare its packages one by one"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("1 good, 1 bad"), "{}", ran.stdout);
}
