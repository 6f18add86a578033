//! The section of one driver.

use airlock_ini::{Entry, Section};

use super::{Driver, Release, Remark, SettingsError, lists};
use crate::pkgmgr::words::nearest;

/// Packages that may be installed several times side by side, when the file says nothing.
pub const DEFAULT_INSTALLONLY: [&str; 14] = [
    "kernel",
    "kernel-bigmem",
    "kernel-enterprise",
    "kernel-smp",
    "kernel-modules",
    "kernel-debug",
    "kernel-unsupported",
    "kernel-source",
    "kernel-devel",
    "kernel-default",
    "kernel-largesmp-devel",
    "kernel-largesmp",
    "kernel-xen",
    "gpg-pubkey",
];

/// How it is told that a package is one of those that are installed side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InstallonlyTest {
    /// By what the newest installed one provides (since June 2010); keys always by name.
    #[default]
    Provides,
    /// By the name of the entry.
    Name,
}

/// What a driver does and what it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverSettings {
    /// Whose rules hold.
    pub release: Release,
    /// More than the installed check.
    pub pkg_checks: bool,
    /// Where checks are off, entries need not say what they would be checked against.
    pub incomplete_without_checks: bool,
    /// Verify files.
    pub pkg_verify: bool,
    /// Packages that are installed side by side, always with `gpg-pubkey`.
    pub installonly: Vec<String>,
    /// How they are told.
    pub installonly_test: InstallonlyTest,
    /// Flags of `rpm --erase`.
    pub erase_flags: Vec<String>,
    /// Install what is missing.
    pub install: bool,
    /// Bring to the declared version what has another.
    pub upgrade: bool,
    /// Install again what fails verification.
    pub reinstall: bool,
    /// Checks that are left out.
    pub verify_flags: Vec<String>,
    /// The package manager may pull in what is needed.
    pub autodep: bool,
    /// Decide exactly as the old drivers did.
    pub legacy_quirks: bool,
    /// Keys that are never erased: version, `VERSION-RELEASE`, or the end of a fingerprint.
    pub protect_keys: Vec<String>,
    /// Package files without a good signature of an imported key are not installed.
    pub require_signatures: bool,
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            release: Release::Old,
            pkg_checks: true,
            incomplete_without_checks: true,
            pkg_verify: true,
            installonly: DEFAULT_INSTALLONLY.map(str::to_owned).to_vec(),
            installonly_test: InstallonlyTest::Provides,
            erase_flags: vec!["allmatches".into()],
            install: true,
            upgrade: true,
            reinstall: true,
            verify_flags: Vec::new(),
            autodep: true,
            legacy_quirks: false,
            protect_keys: Vec::new(),
            require_signatures: false,
        }
    }
}

/// Words of a list: split at commas and blanks, lower case, without empty ones.
pub fn words(text: &str) -> Vec<String> {
    text.split(|character: char| character == ',' || character.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The three decisions with all their names: documented, read by the old releases, 1.4.
const ACTIONS: [(&[&str], &str, &str); 3] = [
    (
        &["installed_action", "install_action"],
        "install",
        "install_missing",
    ),
    (&["version_fail_action"], "upgrade", "fix_version"),
    (&["verify_fail_action"], "reinstall", "reinstall_broken"),
];

const OTHERS: [&str; 13] = [
    "pkg_checks",
    "pkg_verify",
    "installonlypackages",
    "installonly_test",
    "erase_flags",
    "verify_flags",
    "autodep",
    "legacy_quirks",
    "protect_keys",
    "require_signatures",
    "disabled_plugins",
    "enabled_plugins",
    "reinstall_broken",
];

/// Reads the section of a driver; what is refused is left at its default and remembered.
pub(super) fn read(section: &Section, driver: Driver, remarks: &mut Vec<Remark>) -> DriverSettings {
    let old = matches!(section.name.as_str(), "RPMng" | "YUMng" | "YUM24");
    let reader = Reader {
        section,
        old,
        driver,
        release: release(section, old),
    };
    let mut settings = DriverSettings {
        release: reader.release,
        ..DriverSettings::default()
    };
    reader.unknown(remarks);
    if let Some(entry) = reader.entry("legacy_quirks") {
        reader.set(
            &mut settings.legacy_quirks,
            reader.plain_boolean(entry),
            remarks,
        );
    }
    if let Some(entry) = reader.entry("require_signatures") {
        reader.set(
            &mut settings.require_signatures,
            reader.plain_boolean(entry),
            remarks,
        );
    }
    // [RPMng] asked for complete entries unless the word was false, though others turn checks off too.
    settings.incomplete_without_checks = match reader.entry("pkg_checks") {
        Some(entry) if reader.release == Release::Old && driver == Driver::Rpm => {
            value(entry).eq_ignore_ascii_case("false")
        }
        _ => true,
    };
    for (name, to) in [
        ("pkg_checks", &mut settings.pkg_checks),
        ("pkg_verify", &mut settings.pkg_verify),
    ] {
        if let Some(entry) = reader.entry(name) {
            let read = reader.boolean(entry, remarks);
            reader.set(to, read, remarks);
        }
    }
    let to = [
        &mut settings.install,
        &mut settings.upgrade,
        &mut settings.reinstall,
    ];
    for ((names, word, modern), to) in ACTIONS.iter().zip(to) {
        // What the old drivers never read is read now (and not with legacy_quirks).
        let names = match settings.legacy_quirks {
            true => &names[..1],
            false => *names,
        };
        if let Some(wanted) = reader.action(names, word, modern, remarks) {
            *to = wanted;
        }
    }
    if let Some(entry) = reader.entry("installonlypackages") {
        lists::names(entry, remarks);
        settings.installonly = list(value(entry));
        if !settings.installonly.iter().any(|name| name == "gpg-pubkey") {
            settings.installonly.push("gpg-pubkey".into());
        }
    }
    if let Some(entry) = reader.entry("installonly_test") {
        settings.installonly_test = match value(entry) {
            "provides" => InstallonlyTest::Provides,
            "name" => InstallonlyTest::Name,
            _ => {
                remarks.push(reader.word(entry, "provides or name").into());
                settings.installonly_test
            }
        };
    }
    if let Some(entry) = reader.entry("erase_flags") {
        lists::erase_flags(entry, driver, remarks);
        settings.erase_flags = list(value(entry));
    }
    if let Some(entry) = reader.entry("verify_flags") {
        let quirks = settings.legacy_quirks;
        lists::verify_flags(entry, &section.name, driver, quirks, remarks);
        settings.verify_flags = match settings.legacy_quirks && driver == Driver::Rpm {
            true => value(entry)
                .to_lowercase()
                .split(',')
                .map(str::to_owned)
                .collect(),
            false => words(value(entry)),
        };
    }
    if let Some(entry) = reader.entry("autodep") {
        settings.autodep = !value(entry).eq_ignore_ascii_case("false");
        if settings.autodep && modern_word(value(entry)) != Some(true) {
            remarks.push(Remark::Odd(format!(
                "{}: autodep = {} is read as true, as it always was; write false",
                entry.place,
                one_line(value(entry))
            )));
        }
    }
    if let Some(entry) = reader.entry("protect_keys") {
        lists::keys(entry, remarks);
        settings.protect_keys = words(value(entry));
    }
    settings
}

pub(super) fn value(entry: &Entry) -> &str {
    entry.value.as_deref().unwrap_or_default().trim()
}

/// A value that goes on over several lines, as a message shows it.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ")
}

fn release(section: &Section, old: bool) -> Release {
    if old {
        return Release::Old;
    }
    let modern = ACTIONS
        .iter()
        .any(|(_, _, name)| section.entry(name).is_some());
    if modern { Release::V1_4 } else { Release::V1_3 }
}

struct Reader<'s> {
    section: &'s Section,
    old: bool,
    driver: Driver,
    release: Release,
}

impl Reader<'_> {
    fn entry(&self, name: &str) -> Option<&Entry> {
        let mut entries = self.section.entries.iter();
        match self.old {
            // The first wins: an own option stands before one of [DEFAULT].
            true => entries.find(|entry| entry.name.eq_ignore_ascii_case(name)),
            false => entries.find(|entry| entry.name == name),
        }
    }

    /// Takes over what was read; what is wrong with it is remembered.
    fn set(&self, to: &mut bool, read: Result<bool, SettingsError>, remarks: &mut Vec<Remark>) {
        match read {
            Ok(read) => *to = read,
            Err(error) => remarks.push(error.into()),
        }
    }

    fn unknown(&self, remarks: &mut Vec<Remark>) {
        for entry in self.section.entries.iter().filter(|entry| !entry.inherited) {
            let lower = entry.name.to_lowercase();
            let known = OTHERS.contains(&lower.as_str())
                || ACTIONS
                    .iter()
                    .any(|(names, _, modern)| names.contains(&lower.as_str()) || *modern == lower);
            let place = &entry.place;
            let name = &entry.name;
            if known && lower.ends_with("_plugins") {
                remarks.push(Remark::Odd(format!("{place}: {name} has no effect here")));
            } else if !known {
                let names = ACTIONS
                    .iter()
                    .flat_map(|(names, _, modern)| names.iter().chain([modern]));
                let meant = nearest(&lower, OTHERS.iter().chain(names).copied());
                let meant = meant.map(|meant| format!("; did you mean {meant}?"));
                remarks.push(Remark::Odd(format!(
                    "{place}: [{}] has no option {name}; it is not read{}",
                    self.section.name,
                    meant.unwrap_or_default()
                )));
            } else if !self.old && lower != *name {
                remarks.push(Remark::Odd(format!(
                    "{place}: option names of [{}] are written in lower case ({lower}); {name} is not read",
                    self.section.name
                )));
            }
        }
    }

    fn word(&self, entry: &Entry, expected: &'static str) -> SettingsError {
        SettingsError::Word {
            place: entry.place.to_string(),
            name: entry.name.clone(),
            value: value(entry).to_owned(),
            expected,
        }
    }

    /// A yes or no that is Airlock's own.
    fn plain_boolean(&self, entry: &Entry) -> Result<bool, SettingsError> {
        modern_word(value(entry)).ok_or_else(|| self.word(entry, "yes or no"))
    }

    /// A yes or no as the release of this section understood it.
    fn boolean(&self, entry: &Entry, remarks: &mut Vec<Remark>) -> Result<bool, SettingsError> {
        let text = value(entry);
        let lower = text.to_lowercase();
        let truth = match (self.release, self.driver) {
            (Release::Old, Driver::Rpm) => lower == "true",
            (Release::Old, Driver::Yum) => matches!(lower.as_str(), "true" | "yes" | "1"),
            (Release::V1_3, _) => {
                return match text {
                    "1" | "yes" | "True" | "true" | "on" => Ok(true),
                    "0" | "no" | "False" | "false" | "off" => Ok(false),
                    _ => Err(self.word(entry, "yes, true, on, 1, no, false, off or 0")),
                };
            }
            (Release::V1_4, _) => {
                return modern_word(text)
                    .ok_or_else(|| self.word(entry, "yes, true, on, 1, no, false, off or 0"));
            }
        };
        if !truth && modern_word(text) != Some(false) {
            // What stands in quotes is meant without them.
            let bare = text.trim_matches(['"', '\'']).trim();
            let write = match modern_word(bare) {
                Some(false) => "write false, without quotes",
                Some(true) if bare.len() < text.len() => "write true, without quotes",
                Some(true) => "write true",
                _ => "write true or false",
            };
            remarks.push(Remark::Odd(format!(
                "{}: {} = {} is read as false, as [{}] always did; {write}",
                entry.place,
                entry.name,
                one_line(text),
                self.section.name
            )));
        }
        Ok(truth)
    }

    /// One of the three decisions, in whichever spelling; `None` when the file does not say.
    fn action(
        &self,
        names: &[&str],
        word: &'static str,
        modern: &str,
        remarks: &mut Vec<Remark>,
    ) -> Option<bool> {
        let mut said: Option<(&Entry, bool)> = None;
        let found = names.iter().filter_map(|name| self.entry(name));
        let mut all: Vec<(&Entry, bool)> = Vec::new();
        for entry in found {
            let text = value(entry);
            let does = match self.old {
                true => text.eq_ignore_ascii_case(word),
                false => text == word,
            };
            if !does && !text.eq_ignore_ascii_case("none") {
                remarks.push(Remark::Odd(format!(
                    "{}: {} = {} is read as none; the word that does something is {word}",
                    entry.place,
                    entry.name,
                    one_line(text)
                )));
            }
            all.push((entry, does));
        }
        if let Some(entry) = self.entry(modern) {
            match self.plain_boolean(entry) {
                Ok(does) => all.push((entry, does)),
                Err(error) => remarks.push(error.into()),
            }
        }
        for (entry, does) in all {
            match said {
                Some((first, other)) if other != does => {
                    let error = SettingsError::Conflict {
                        first: first.name.clone(),
                        first_place: first.place.to_string(),
                        second: entry.name.clone(),
                        second_place: entry.place.to_string(),
                    };
                    remarks.push(error.into());
                }
                Some(_) => {}
                None => said = Some((entry, does)),
            }
        }
        said.map(|(_, does)| does)
    }
}

/// A yes or no as INI files have them, in any case; `None` for any other word.
pub fn modern_word(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}
