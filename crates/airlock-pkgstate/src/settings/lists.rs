//! What is wrong with the words of lists: each driver and each release splits them in its own way (Bcfg2 reference,
//! section 1.2), and a word that nothing knows did nothing without a sound.

use airlock_ini::{Entry, File};

use super::driver::{value, words};
use super::{Driver, Remark};
use crate::pkgmgr::words::{flag_flaw, nearest};

/// Drivers of Bcfg2's releases.
const DRIVERS: [&str; 30] = [
    "APK",
    "APT",
    "Action",
    "Blast",
    "Chkconfig",
    "DebInit",
    "Encap",
    "FreeBSDInit",
    "FreeBSDPackage",
    "HomeBrew",
    "IPS",
    "MacPorts",
    "OpenCSW",
    "POSIX",
    "POSIXUsers",
    "Pacman",
    "Pkgng",
    "Portage",
    "RPM",
    "RPMng",
    "RcUpdate",
    "SELinux",
    "SMF",
    "SYSV",
    "Systemd",
    "Upstart",
    "VCS",
    "YUM",
    "YUM24",
    "YUMng",
];

/// What `erase_flags` knows.
const ERASE_FLAGS: [&str; 4] = ["noscripts", "notriggers", "nodeps", "allmatches"];

/// Sections that are read, in the spelling that is read.
const SECTIONS: [&str; 8] = [
    "communication",
    "components",
    "client",
    "RPMng",
    "RPM",
    "YUMng",
    "YUM",
    "YUM24",
];

/// The parts of a list between commas.
fn parts(entry: &Entry) -> impl Iterator<Item = &str> {
    let parts = value(entry).split(',').map(str::trim);
    parts.filter(|part| !part.is_empty())
}

fn has_blank(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

/// A word that only blanks are between, where a comma has to be.
fn one_word(entry: &Entry, part: &str, what: &str) -> Remark {
    Remark::Idle(format!(
        "{}: {}: {part:?} is one {what} with a blank in it, which there is not; write commas between",
        entry.place, entry.name
    ))
}

/// `installonlypackages`: commas between names.
pub(super) fn names(entry: &Entry, remarks: &mut Vec<Remark>) {
    let wrong = parts(entry).filter(|part| has_blank(part));
    remarks.extend(wrong.map(|part| one_word(entry, part, "name")));
}

/// `erase_flags`: commas between words of rpm, in lower case.
pub(super) fn erase_flags(entry: &Entry, driver: Driver, remarks: &mut Vec<Remark>) {
    let place = &entry.place;
    if driver == Driver::Yum {
        let text = "erase_flags does nothing with YUMng";
        remarks.push(Remark::Odd(format!("{place}: {text}")));
    }
    for part in parts(entry) {
        if has_blank(part) {
            remarks.push(one_word(entry, part, "flag"));
        } else if part == "repackage" {
            let text = "erase_flags: repackage does nothing; rpm has not had it since 4.6";
            remarks.push(Remark::Odd(format!("{place}: {text}")));
        } else if !ERASE_FLAGS.contains(&part) {
            let meant = match nearest(part, ERASE_FLAGS) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("write {}", ERASE_FLAGS.join(", ")),
            };
            let text = format!("{place}: erase_flags: there is no {part:?}; {meant}");
            remarks.push(Remark::Idle(text));
        }
    }
}

/// `verify_flags`. Airlock takes commas and blanks in every section; `[RPMng]` took commas without blanks, `[RPM]` and
/// `[YUM]` commas, `[YUMng]` both.
pub(super) fn verify_flags(
    entry: &Entry,
    section: &str,
    driver: Driver,
    quirks: bool,
    remarks: &mut Vec<Remark>,
) {
    let place = &entry.place;
    let words = words(value(entry));
    for word in &words {
        let Some(flaw) = flag_flaw(word, Some(driver.package_type())) else {
            continue;
        };
        let text = format!("{place}: {}", flaw.text);
        remarks.push(match flaw.is_unknown {
            true => Remark::Idle(text),
            false => Remark::Odd(text),
        });
    }
    let written = words.join(",");
    let is_split = match section {
        "RPMng" => !has_blank(value(entry)),
        "RPM" | "YUM" => !parts(entry).any(has_blank),
        _ => true,
    };
    if is_split {
        return;
    }
    remarks.push(match quirks && driver == Driver::Rpm {
        true => Remark::Idle(format!(
            "{place}: verify_flags: with legacy_quirks a flag with a blank before, in or behind it does nothing; write {written}"
        )),
        false => Remark::Elsewhere(format!(
            "{place}: verify_flags: Bcfg2 knows no flag with a blank before, in or behind it in [{section}]; write {written}"
        )),
    });
}

/// `protect_keys`: commas or blanks between versions of keys, `VERSION-RELEASE`, or ends of fingerprints.
pub(super) fn keys(entry: &Entry, remarks: &mut Vec<Remark>) {
    let is_id = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for word in words(value(entry)) {
        let is_key = match word.rsplit_once('-') {
            // Of VERSION-RELEASE all has to be there and nothing else.
            Some((before, release)) if is_id(release) && before.len() >= 8 => is_id(before),
            _ => word.len() >= 8 && word.get(word.len() - 8..).is_some_and(is_id),
        };
        if !is_key {
            remarks.push(Remark::Idle(format!(
                "{}: protect_keys: {word:?} protects no key; write what rpm -q gpg-pubkey shows (8 hexadecimal digits, a - and 8 more), or the last 8 digits of a fingerprint or more",
                entry.place
            )));
        }
    }
}

/// `drivers`: commas between names. Other drivers than these may be somebody's own.
pub(super) fn drivers(entry: &Entry, remarks: &mut Vec<Remark>) {
    for part in parts(entry) {
        let own = ["RPMng", "YUMng", "RPM", "YUM", "YUM24", "Yum"];
        if has_blank(part) {
            remarks.push(one_word(entry, part, "driver"));
        } else if !DRIVERS.contains(&part)
            && !own.contains(&part)
            && let Some(meant) = nearest(part, own)
        {
            remarks.push(Remark::Idle(format!(
                "{}: drivers: there is no {part:?}; did you mean {meant}?",
                entry.place
            )));
        }
    }
}

/// Sections whose names are nearly those of sections that are read. Others belong to other drivers and programs.
pub(super) fn sections(file: &File, remarks: &mut Vec<Remark>) {
    for section in &file.sections {
        let name = section.name.as_str();
        if !SECTIONS.contains(&name)
            && !DRIVERS.contains(&name)
            && let Some(meant) = nearest(name, SECTIONS)
        {
            remarks.push(Remark::Idle(format!(
                "{}: nothing reads the section [{name}]; did you mean [{meant}]?",
                section.place
            )));
        }
    }
}
