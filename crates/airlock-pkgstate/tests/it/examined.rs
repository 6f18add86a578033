//! Entries that the golden cases do not have.

use airlock_pkgstate::decide::{Checker, Context, Examined, Omit, Verdict, examine};
use airlock_pkgstate::declared::parse_configuration;
use airlock_pkgstate::evra::Form;
use airlock_pkgstate::inventory::{Installed, Inventory};
use airlock_pkgstate::settings::{Driver, parse_settings};

/// Finds nothing wrong.
struct Content;

impl Checker for Content {
    fn check(&mut self, _: &Installed, _: &Omit) -> Result<Verdict, String> {
        Ok(Verdict::default())
    }

    fn newest(&mut self, _: &str) -> Option<Vec<Installed>> {
        None
    }

    fn is_dangling(&mut self, _: &str) -> bool {
        false
    }

    fn owns(&mut self, _: &Installed, _: &str) -> bool {
        true
    }
}

/// Whether the entry is good on a machine with alpha, one key, and multi of two architectures.
fn is_good(driver: Driver, settings: &str, entry: &str) -> bool {
    examined(driver, settings, entry).good
}

/// What is found about the entry on that machine.
fn examined(driver: Driver, settings: &str, entry: &str) -> Examined {
    let one = |number, name: &str, version: &str, release: &str, arch: Option<&str>| Installed {
        number,
        name: name.to_owned(),
        version: version.to_owned(),
        release: release.to_owned(),
        arch: arch.map(str::to_owned),
        ..Installed::default()
    };
    let mut alpha = one(1, "alpha", "1.0", "1", Some("noarch"));
    for (name, version) in [("mail", "2:3.0-4"), ("web", "5.0"), ("plain", "")] {
        alpha.provides.push(name.to_owned());
        alpha.provide_versions.push(version.to_owned());
    }
    let inventory = Inventory::new(vec![
        alpha,
        one(2, "gpg-pubkey", "da6f1129", "6affff60", None),
        one(3, "multi", "1.0", "1", Some("x86_64")),
        one(4, "multi", "1.0", "1", Some("i686")),
        one(5, "mixed", "1.1", "1", Some("x86_64")),
        one(6, "mixed", "1.0", "1", Some("i686")),
    ]);
    let text = format!("<Configuration><Bundle name='b'>{entry}</Bundle></Configuration>");
    let configuration = parse_configuration("entries", text.as_bytes()).unwrap();
    let settings = parse_settings("bcfg2.conf", settings.as_bytes()).unwrap();
    let context = Context::new(&configuration, settings.driver(driver), driver, &inventory);
    examine(&configuration.entries[0], &context, &mut Content)
}

#[test]
fn keys_are_noarch_to_yumng() {
    for (arch, good) in [
        ("arch='noarch'", true),
        ("", true),
        ("arch='x86_64'", false),
    ] {
        let entry = format!(
            "<Package name='gpg-pubkey' type='yum'><Instance version='da6f1129' release='6affff60' {arch}/></Package>"
        );
        assert_eq!(is_good(Driver::Yum, "[YUMng]\n", &entry), good, "{arch}");
    }
}

#[test]
fn only_the_word_false_lets_an_incomplete_entry_pass_in_rpmng() {
    let entry = "<Package name='alpha' type='rpm'/>";
    for (section, word, good) in [
        ("RPMng", "False", true),
        ("RPMng", "yes", false),
        ("RPMng", "true", false),
        ("RPM", "off", true),
    ] {
        let settings = format!("[{section}]\npkg_checks = {word}\n");
        assert_eq!(
            is_good(Driver::Rpm, &settings, entry),
            good,
            "{section} {word}"
        );
    }
}

#[test]
fn the_version_of_what_is_only_provided_counts_since_1_3() {
    for (section, name, instance, good) in [
        ("YUM", "mail", "epoch='2' version='3.0' release='4'", true),
        ("YUM", "mail", "version='3.0' release='4'", false),
        ("YUM", "mail", "epoch='2' version='3.1' release='4'", false),
        ("YUM", "mail", "epoch='2' version='3.0' release='5'", false),
        ("YUM", "mail", "", true),
        ("YUM", "web", "version='5.0' release='9'", true),
        ("YUM", "plain", "version='1.0'", false),
        ("YUMng", "mail", "version='9'", true),
    ] {
        let entry = format!("<Package name='{name}' type='yum'><Instance {instance}/></Package>");
        let settings = format!("[{section}]\n");
        let found = is_good(Driver::Yum, &settings, &entry);
        assert_eq!(found, good, "{section} {name} {instance}");
    }
}

/// What the prompt about an entry for YUMng says.
fn yum_codes(settings: &str, entry: &str) -> String {
    let found = examined(Driver::Yum, settings, entry);
    let codes = found.codes.iter().flatten();
    let codes: Vec<String> = codes.map(|code| code.shown(Form::Later)).collect();
    codes.join(" ")
}

#[test]
fn an_instance_without_an_architecture_is_meant_for_every_architecture_in_yumng() {
    for entry in [
        "<Package name='multi' type='yum'/>",
        "<Package name='multi' type='yum' pkg_checks='false'/>",
        "<Package name='multi' type='yum' version='any'/>",
        "<Package name='multi' type='yum' version='1.0-1'/>",
        "<Package name='multi' type='yum'><Instance version='1.0' release='1'/></Package>",
        "<Package name='multi' type='yum'><Instance version='1.0' release='1' arch='any'/></Package>",
    ] {
        let found = examined(Driver::Yum, "[YUMng]\n", entry);
        assert!(found.good, "{entry}");
        assert_eq!(found.extra, None, "{entry}");
    }
    let one_arch = "<Package name='multi' type='yum'><Instance version='1.0' release='1' arch='x86_64'/></Package>";
    assert_eq!(yum_codes("[YUMng]\n", one_arch), "D(1.0-1.i686)");
    let old = "[YUMng]\nlegacy_quirks = yes\n";
    let bare = "<Package name='multi' type='yum'/>";
    assert!(!is_good(Driver::Yum, old, bare), "the old one took one");
}

#[test]
fn architectures_that_are_behind_are_brought_along_and_not_removed() {
    let entry = "<Package name='multi' type='yum'><Instance version='1.1' release='1'/></Package>";
    assert_eq!(yum_codes("[YUMng]\n", entry), "U(1.0-1.x86_64 -> 1.1-1.*)");
    let entry = "<Package name='mixed' type='yum'><Instance version='1.1' release='1'/></Package>";
    assert_eq!(yum_codes("[YUMng]\n", entry), "U(1.0-1.i686 -> 1.1-1.*)");
    let entry = "<Package name='mixed' type='yum'><Instance version='1.1' release='1'/><Instance version='1.0' release='1' arch='i686'/></Package>";
    assert!(is_good(Driver::Yum, "[YUMng]\n", entry));
}
