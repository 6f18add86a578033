//! Reading the file.

use std::borrow::Cow;

use airlock_ini::{Dialect, Entry, File, Section, parse};

use crate::pkgmgr::words::nearest;

use super::{
    DecisionMode, Driver, DriverSettings, Release, Remark, Secret, Settings, driver, lists,
    modern_word,
};

/// A `bcfg2.conf` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It is no INI file, or over a limit.
    #[error(transparent)]
    Ini(#[from] airlock_ini::Error),
    /// A word that an option does not take.
    #[error("{place}: {name} = {value:?} is not understood; write {expected}")]
    Word {
        /// File and line.
        place: String,
        /// The option.
        name: String,
        /// Its value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// Two spellings of one option that say different things.
    #[error(
        "{second_place}: {second} contradicts {first} ({first_place}); they are two names of one option, keep one of them"
    )]
    Conflict {
        /// The name that stands first.
        first: String,
        /// Where.
        first_place: String,
        /// The other name.
        second: String,
        /// Where.
        second_place: String,
    },
}

pub(super) fn dialect() -> Dialect {
    Dialect {
        lower_names: false,
        ..Dialect::bcfg2()
    }
}

/// Reads a `bcfg2.conf`. `file` is for messages.
///
/// # Errors
/// The first of what [`SettingsError`] lists, with file and line; [`super::examine_settings`] has all.
pub fn parse_settings(file: &str, bytes: &[u8]) -> Result<Settings, SettingsError> {
    // The old client read bytes: a name in a comment may be in another encoding.
    let (bytes, other) = match std::str::from_utf8(bytes) {
        Ok(_) => (Cow::Borrowed(bytes), false),
        Err(_) => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            (Cow::Owned(text.into_bytes()), true)
        }
    };
    let shown = file;
    let file = parse(file, &bytes, &dialect())?;
    let (mut settings, remarks) = of_file(&file);
    if other {
        let warning = format!("{shown} is not UTF-8; it is read as ISO 8859-1");
        settings.warnings.push(warning);
    }
    for remark in remarks {
        match remark {
            Remark::Refused(error) => return Err(error),
            Remark::Idle(text) | Remark::Odd(text) => settings.warnings.push(text),
            Remark::Elsewhere(_) => {}
        }
    }
    Ok(settings)
}

/// The settings of a file, and what there is to say about it. What is refused is left at its default.
pub(super) fn of_file(file: &File) -> (Settings, Vec<Remark>) {
    let mut settings = Settings::default();
    let odd = |warning: &airlock_ini::Warning| Remark::Odd(warning.to_string());
    let mut remarks: Vec<Remark> = file.warnings.iter().map(odd).collect();
    communication(file, &mut settings, &mut remarks);
    if let Some(section) = file.section("components") {
        if let Some(server) = text(section, "bcfg2") {
            settings.server = match server.contains("://") {
                true => server.to_owned(),
                false => format!("https://{server}"),
            };
        }
        if let Some(lockfile) = text(section, "lockfile") {
            settings.lockfile = lockfile.to_owned();
        }
        if let Some(entry) = option(section, "encoding") {
            let name = value(entry);
            if !matches!(name.to_lowercase().as_str(), "" | "utf-8" | "utf8") {
                remarks.push(Remark::Odd(format!(
                    "{}: encoding {} is not known here; UTF-8 is used",
                    entry.place,
                    driver::one_line(name)
                )));
            }
        }
    }
    client(file, &mut settings, &mut remarks);
    for (driver, names) in [
        (Driver::Rpm, &["RPMng", "RPM"][..]),
        (Driver::Yum, &["YUMng", "YUM", "YUM24"]),
    ] {
        if names.iter().any(|name| file.section(name).is_some()) {
            settings.sections.push(driver);
        }
    }
    lists::sections(file, &mut remarks);
    unknown(file, &mut remarks);
    settings.rpm = driver_section(file, Driver::Rpm, &["RPM", "RPMng"], &mut remarks);
    settings.yum = driver_section(file, Driver::Yum, &["YUM", "YUMng", "YUM24"], &mut remarks);
    (settings, remarks)
}

/// The section of a driver. Release 1.3 read `[RPM]` and, key by key, what that does not have from `[RPMng]`; so it is here
/// where there are both.
fn driver_section(
    file: &File,
    which: Driver,
    names: &[&str],
    remarks: &mut Vec<Remark>,
) -> DriverSettings {
    let mut found = names.iter().filter_map(|name| file.section(name));
    let Some(section) = found.next() else {
        return DriverSettings::default();
    };
    let mut merged = section.clone();
    for other in found {
        remarks.push(Remark::Odd(format!(
            "{}: [{}] is read as release 1.3 did: only for what [{}] does not say",
            other.place, other.name, section.name
        )));
        let more = other
            .entries
            .iter()
            .filter(|entry| section.entry(&entry.name).is_none_or(|own| own.inherited));
        for entry in more {
            match merged.entries.iter_mut().find(|own| own.name == entry.name) {
                // An own option of the other section stands before one of [DEFAULT].
                Some(own) if !entry.inherited => *own = entry.clone(),
                Some(_) => {}
                None => merged.entries.push(entry.clone()),
            }
        }
    }
    driver::read(&merged, which, remarks)
}

/// Options of the general sections, each with what becomes of it here.
const GENERAL: [(&str, &[&str], &[&str]); 3] = [
    (
        "communication",
        &[
            "user",
            "password",
            "retries",
            "retry_delay",
            "timeout",
            "key",
            "certificate",
            "ca",
            "servercommonnames",
        ],
        &["protocol"],
    ),
    ("components", &["bcfg2", "lockfile", "encoding"], &[]),
    (
        "client",
        &[
            "drivers",
            "decision",
            "profile",
            "command_timeout",
            "probe_timeout",
            "exit_on_probe_failure",
        ],
        &[
            "paranoid",
            "agent",
            "background",
            "omit_lock_check",
            "decision_list",
        ],
    ),
];

/// Tells of options that nothing knows, and of those that do nothing here.
fn unknown(file: &File, remarks: &mut Vec<Remark>) {
    for (name, known, idle) in GENERAL {
        let entries = file.section(name).map(|section| &section.entries);
        for entry in entries.into_iter().flatten().filter(|one| !one.inherited) {
            let lower = entry.name.to_lowercase();
            let place = &entry.place;
            if known.contains(&lower.as_str()) {
                continue;
            }
            if !idle.contains(&lower.as_str()) {
                let known = known.iter().chain(idle).copied();
                let meant = nearest(&lower, known).map(|meant| format!("; did you mean {meant}?"));
                remarks.push(Remark::Odd(format!(
                    "{place}: [{name}] has no option {}; it is not read{}",
                    entry.name,
                    meant.unwrap_or_default()
                )));
            } else if !value(entry).starts_with("xmlrpc/") {
                let text = format!("{place}: {} has no effect here", entry.name);
                remarks.push(Remark::Odd(text));
            }
        }
    }
}

fn communication(file: &File, settings: &mut Settings, remarks: &mut Vec<Remark>) {
    let Some(section) = file.section("communication") else {
        return;
    };
    let to = &mut settings.communication;
    if let Some(protocol) = text(section, "protocol") {
        to.protocol = protocol.to_owned();
    }
    if let Some(user) = text(section, "user") {
        to.user = user.to_owned();
    }
    if let Some(password) = text(section, "password") {
        to.password = Secret(password.to_owned());
    }
    for (name, to) in [
        ("retries", &mut to.retries),
        ("retry_delay", &mut to.retry_delay),
        ("timeout", &mut to.timeout),
    ] {
        if let Some(entry) = option(section, name) {
            // Old files say 90.0 where seconds are meant.
            let whole = value(entry).split('.').next().unwrap_or_default();
            match whole.trim().parse() {
                Ok(number) => *to = number,
                Err(_) => remarks.push(word(entry, "a whole number").into()),
            }
        }
    }
    let file = |name| text(section, name).map(str::to_owned);
    to.key = file("key");
    to.certificate = file("certificate");
    to.ca = file("ca");
    if let Some(names) = text(section, "serverCommonNames") {
        to.server_names = names
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
    }
}

fn client(file: &File, settings: &mut Settings, remarks: &mut Vec<Remark>) {
    let Some(section) = file.section("client") else {
        return;
    };
    if let Some(entry) = option(section, "drivers") {
        lists::drivers(entry, remarks);
        settings.drivers = value(entry)
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
    }
    if let Some(entry) = option(section, "decision") {
        match DecisionMode::from_word(value(entry)) {
            Some(decision) => settings.decision = decision,
            None => remarks.push(word(entry, "whitelist, blacklist or none").into()),
        }
    }
    settings.profile = text(section, "profile").map(str::to_owned);
    settings.command_timeout = seconds(section, "command_timeout", remarks);
    settings.probe_timeout = seconds(section, "probe_timeout", remarks);
    if let Some(entry) = option(section, "exit_on_probe_failure") {
        match modern_word(value(entry)) {
            Some(exit) => settings.exit_on_probe_failure = exit,
            None => remarks.push(word(entry, "true or false").into()),
        }
    }
}

/// A time limit; none when it is 0 or less.
fn seconds(section: &Section, name: &str, remarks: &mut Vec<Remark>) -> Option<u64> {
    let entry = option(section, name)?;
    let text = value(entry).trim();
    if text.is_empty() {
        return None;
    }
    match text.parse::<f64>() {
        // Half a second is one, not none.
        Ok(seconds) if seconds.is_finite() => {
            (seconds > 0.0).then(|| seconds.min(f64::from(u32::MAX)).ceil() as u64)
        }
        _ => {
            remarks.push(word(entry, "seconds").into());
            None
        }
    }
}

fn word(entry: &Entry, expected: &'static str) -> SettingsError {
    SettingsError::Word {
        place: entry.place.to_string(),
        name: entry.name.clone(),
        value: value(entry).to_owned(),
        expected,
    }
}

fn option<'s>(section: &'s Section, name: &str) -> Option<&'s Entry> {
    let mut entries = section.entries.iter();
    entries.find(|entry| entry.name.eq_ignore_ascii_case(name))
}

fn text<'s>(section: &'s Section, name: &str) -> Option<&'s str> {
    option(section, name)
        .map(value)
        .filter(|text| !text.is_empty())
}

fn value(entry: &Entry) -> &str {
    entry.value.as_deref().unwrap_or_default().trim()
}

impl Release {
    /// Lists of decisions match by shell patterns since 1.3, before by what stands in front of the first `*`.
    pub fn matches_by_pattern(self) -> bool {
        self >= Self::V1_3
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::declared::{Configuration, parse_configuration};

    #[test]
    fn without_a_named_driver_its_section_or_the_entries_choose() {
        let chosen = |text: &str, entries: &str| {
            let bundle = format!("<Bundle>{entries}</Bundle>");
            let configuration = parse_configuration("e", bundle.as_bytes()).unwrap();
            read(text)
                .unwrap()
                .chosen_driver(&[], &configuration)
                .0
                .unwrap()
        };
        let file = "<Package name='a' type='rpm'><Instance simplefile='a.rpm'/></Package>";
        let bare = "<Package name='a' type='rpm'/>";
        assert_eq!(chosen("[RPMng]\n", bare), Driver::Rpm);
        assert_eq!(chosen("[RPMng]\n[YUM]\n", file), Driver::Yum);
        assert_eq!(chosen("", file), Driver::Rpm);
        assert_eq!(chosen("", bare), Driver::Yum);
        assert_eq!(chosen("", ""), Driver::Yum);
    }

    fn read(text: &str) -> Result<Settings, SettingsError> {
        parse_settings("bcfg2.conf", text.as_bytes())
    }

    #[test]
    fn a_section_of_1_3_is_filled_up_from_the_older_one_key_by_key() {
        let settings = read(
            "[RPMng]\npkg_checks = false\ninstalled_action = none\nverify_flags = nomtime\n\
             [RPM]\npkg_checks = yes\nversion_fail_action = none\n",
        )
        .unwrap();
        assert!(settings.rpm.pkg_checks);
        assert!(!settings.rpm.install);
        assert!(!settings.rpm.upgrade);
        assert_eq!(settings.rpm.verify_flags, ["nomtime"]);
        assert_eq!(settings.rpm.release, Release::V1_3);
        assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
        assert!(
            settings.warnings[0].starts_with("bcfg2.conf:1: [RPMng] is read as release 1.3 did")
        );
    }

    #[test]
    fn options_that_nothing_reads_or_that_do_nothing_are_told() {
        let settings = read(
            "[communication]\nprotocol = xmlrpc/ssl\npasswrd = x\n[components]\nbcfg2 = b\n\
             [client]\nparanoid = yes\ndriver = RPMng\n",
        )
        .unwrap();
        assert_eq!(
            settings.warnings,
            [
                "bcfg2.conf:3: [communication] has no option passwrd; it is not read; did you mean password?",
                "bcfg2.conf:7: paranoid has no effect here",
                "bcfg2.conf:8: [client] has no option driver; it is not read; did you mean drivers?",
            ]
        );
    }

    #[test]
    fn an_empty_file_means_the_documented_defaults() {
        let settings = read("").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.rpm.installonly.len(), 14);
        assert_eq!(settings.rpm.erase_flags, ["allmatches"]);
    }

    #[test]
    fn old_sections_take_names_in_any_case_and_words_as_old_releases_did() {
        let settings = read(
            "[RPMng]\nPkg_Checks = False\nversion_fail_action = Upgrade\ninstalled_action = no\n\
             installonlypackages =\nerase_flags =\nverify_flags = NoMD5, nomtime\n\
             [YUMng]\npkg_checks = on\npkg_verify = YES\nverify_flags = nochecksum nomtime\n",
        )
        .unwrap();
        assert!(!settings.rpm.pkg_checks);
        assert!(settings.rpm.upgrade);
        assert!(!settings.rpm.install);
        assert_eq!(settings.rpm.installonly, ["gpg-pubkey"]);
        assert!(settings.rpm.erase_flags.is_empty());
        assert_eq!(settings.rpm.verify_flags, ["nomd5", "nomtime"]);
        assert!(!settings.yum.pkg_checks);
        assert!(settings.yum.pkg_verify);
        assert_eq!(settings.yum.verify_flags, ["nochecksum", "nomtime"]);
        assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
        assert!(settings.warnings[0].starts_with("bcfg2.conf:4: installed_action = no"));
    }

    #[test]
    fn both_names_of_an_action_are_read_and_may_not_contradict() {
        let settings = read("[RPMng]\ninstall_action = none\n").unwrap();
        assert!(!settings.rpm.install);
        let legacy = read("[RPMng]\nlegacy_quirks = yes\ninstall_action = none\n").unwrap();
        assert!(legacy.rpm.install);
        let modern = read("[RPM]\nfix_version = no\n").unwrap();
        assert!(!modern.rpm.upgrade);
        assert_eq!(modern.rpm.release, Release::V1_4);
        let error =
            read("[RPMng]\ninstalled_action = install\ninstall_action = none\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("bcfg2.conf:3: install_action contradicts installed_action"),
            "{error}"
        );
    }

    #[test]
    fn sections_of_1_3_are_exact() {
        assert!(read("[RPM]\npkg_checks = TRUE\n").is_err());
        assert!(!read("[YUM]\npkg_checks = off\n").unwrap().yum.pkg_checks);
        let settings = read("[RPM]\nversion_fail_action = Upgrade\nPkg_Verify = no\n").unwrap();
        assert!(!settings.rpm.upgrade);
        assert!(settings.rpm.pkg_verify);
        assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
    }

    #[test]
    fn the_server_and_how_to_reach_it_come_from_their_sections_and_the_password_stays_hidden() {
        let settings = read(
            "[communication]\nuser = host1\npassword = s3cret\nretries = 5\ntimeout = 30.0\nca = /etc/ca.pem\n\
             serverCommonNames = a.example, b.example\n[components]\nbcfg2 = cfg.example:6789\n\
             [client]\ndrivers = Action, POSIX,RPMng\ndecision = Whitelist\n",
        )
        .unwrap();
        assert_eq!(settings.server, "https://cfg.example:6789");
        assert_eq!(settings.communication.timeout, 30);
        assert_eq!(settings.communication.server_names.len(), 2);
        assert_eq!(settings.decision, DecisionMode::Whitelist);
        assert!(!format!("{settings:?}").contains("s3cret"));
        let nothing = Configuration::default();
        let (driver, others) = settings.chosen_driver(&settings.drivers, &nothing);
        assert_eq!(driver, Some(Driver::Rpm));
        assert_eq!(others, ["Action", "POSIX"]);
        let others = ["Action".to_owned(), "POSIX".to_owned()];
        assert_eq!(settings.chosen_driver(&others, &nothing).0, None);
    }
}
