//! What the fuzz target `configuration` does with its bytes; the tests of `airlock-pkgstate` replay it.

use airlock_pkgstate::decide::{Checker, Context, Omit, Verdict, examine, lists, prompt};
use airlock_pkgstate::declared::parse_configuration;
use airlock_pkgstate::evra::Form;
use airlock_pkgstate::inventory::{Installed, Inventory};
use airlock_pkgstate::pkgmgr::list::Client;
use airlock_pkgstate::plan::Plan;
use airlock_pkgstate::settings::{DecisionMode, Driver, DriverSettings, parse_settings};

/// Finds nothing wrong with what is installed.
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

/// Whatever is declared: what is not installed is never good, what is bad has a question, and a question is one line.
pub fn configuration(bytes: &[u8]) {
    let _ = parse_settings("bcfg2.conf", bytes);
    let client = Client::new("host", ["group"]);
    let _ = lists::parse_decisions("decisions", bytes, &client, DecisionMode::Whitelist);
    let _ = Plan::parse("plan.json", bytes);
    let Ok(configuration) = parse_configuration("entries.xml", bytes) else {
        return;
    };
    let some = |name: &str, number| Installed {
        number,
        name: name.to_owned(),
        version: "1.0".to_owned(),
        release: "1".to_owned(),
        arch: Some("noarch".to_owned()),
        provides: vec![name.to_owned(), "kernel".to_owned()],
        ..Installed::default()
    };
    let inventories = [
        Inventory::default(),
        Inventory::new(vec![some("alpha", 1), some("alpha", 2), some("beta", 3)]),
    ];
    for (driver, legacy) in [
        (Driver::Rpm, false),
        (Driver::Rpm, true),
        (Driver::Yum, false),
        (Driver::Yum, true),
    ] {
        let settings = DriverSettings {
            legacy_quirks: legacy,
            ..DriverSettings::default()
        };
        for inventory in &inventories {
            let context = Context::new(&configuration, &settings, driver, inventory);
            for entry in &configuration.entries {
                let examined = examine(entry, &context, &mut Content);
                if inventory.packages().is_empty() && entry.tag() == "Package" {
                    assert!(!examined.good, "{} is good", entry.label());
                }
                let question = prompt::install(entry, Some(&examined), Form::Later);
                assert!(question.contains("(y/N)"));
            }
        }
    }
}
