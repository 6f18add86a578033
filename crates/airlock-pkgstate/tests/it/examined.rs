//! Entries that the golden cases do not have.

use airlock_pkgstate::decide::{Checker, Context, Omit, Verdict, examine};
use airlock_pkgstate::declared::parse_configuration;
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

/// Whether the entry is good on a machine with alpha and one key.
fn is_good(driver: Driver, settings: &str, entry: &str) -> bool {
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
    ]);
    let text = format!("<Configuration><Bundle name='b'>{entry}</Bundle></Configuration>");
    let configuration = parse_configuration("entries", text.as_bytes()).unwrap();
    let settings = parse_settings("bcfg2.conf", settings.as_bytes()).unwrap();
    let context = Context::new(&configuration, settings.driver(driver), driver, &inventory);
    examine(&configuration.entries[0], &context, &mut Content).good
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
