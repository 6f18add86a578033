//! The words that lists are written in (Bcfg2 reference, section 2).

/// Attributes of `Package`, and of whatever stands around it: they go down to it.
pub const PACKAGE: [&str; 36] = [
    "name",
    "type",
    "uri",
    "url",
    "version",
    "release",
    "epoch",
    "arch",
    "simplefile",
    "file",
    "multiarch",
    "srcs",
    "verify",
    "pkg_checks",
    "pkg_verify",
    "verify_flags",
    "installed_action",
    "install_action",
    "version_fail_action",
    "verify_fail_action",
    "install_missing",
    "fix_version",
    "reinstall_broken",
    "group",
    "choose",
    "bname",
    "origin",
    "realname",
    "altsrc",
    "failure",
    "important",
    "recommended",
    "reloc",
    "src",
    "priority",
    "negate",
];

/// Attributes of `Instance`.
pub const INSTANCE: [&str; 16] = [
    "simplefile",
    "epoch",
    "version",
    "release",
    "arch",
    "verify_flags",
    "pkg_verify",
    "verify",
    "installed_action",
    "install_action",
    "version_fail_action",
    "verify_fail_action",
    "install_missing",
    "fix_version",
    "reinstall_broken",
    "comment",
];

/// Attributes that are true or false.
pub const BOOLEANS: [&str; 6] = [
    "verify",
    "pkg_checks",
    "pkg_verify",
    "install_missing",
    "fix_version",
    "reinstall_broken",
];

/// Attributes that say what to do, and the one word beside `none` that each knows.
pub const ACTIONS: [(&str, &str); 4] = [
    ("installed_action", "install"),
    ("install_action", "install"),
    ("version_fail_action", "upgrade"),
    ("verify_fail_action", "reinstall"),
];

/// Pairs of attributes that say the same: old name, other name, what the old one says by default.
pub const SAME: [(&str, &str); 4] = [
    ("installed_action", "install_action"),
    ("installed_action", "install_missing"),
    ("version_fail_action", "fix_version"),
    ("verify_fail_action", "reinstall_broken"),
];

/// Values of `type`.
pub const TYPES: [&str; 14] = [
    "deb",
    "rpm",
    "blast",
    "encap",
    "sysv",
    "ebuild",
    "yum",
    "freebsdpkg",
    "ips",
    "macport",
    "pacman",
    "portage",
    "pip",
    "opkg",
];

/// Flags of RPMng.
pub const RPM_FLAGS: [&str; 13] = [
    "nodeps",
    "nodigest",
    "nofiles",
    "noscripts",
    "nosignature",
    "nolinkto",
    "nomd5",
    "nosize",
    "nouser",
    "nogroup",
    "nomtime",
    "nomode",
    "nordev",
];

/// Flags of YUMng: `no` and the problem's type.
pub const YUM_FLAGS: [&str; 14] = [
    "nostate",
    "nomissingok",
    "noghost",
    "notype",
    "nosymlink",
    "nomtime",
    "nouser",
    "nogroup",
    "nomode",
    "nochecksum",
    "nogenchecksum",
    "nosize",
    "nomissing",
    "nopermissions-missing",
];

/// The flags of a list: commas or blanks between them.
pub fn flags(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| c == ',' || c.is_whitespace());
    parts.filter(|flag| !flag.is_empty())
}

/// True or false, in any case.
pub fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The word of a list that somebody may have meant.
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_ascii_lowercase();
    if word.len() > 40 {
        return None;
    }
    let near = words
        .into_iter()
        .map(|known| (distance(&word, &known.to_ascii_lowercase()), known));
    let (distance, known) = near.min()?;
    (distance <= 2 && distance < word.len()).then_some(known)
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in two.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_near() {
        assert_eq!(nearest("nomd", RPM_FLAGS), Some("nomd5"));
        assert_eq!(nearest("verion", PACKAGE), Some("version"));
        assert_eq!(nearest("simple_file", INSTANCE), Some("simplefile"));
        assert_eq!(nearest("colour", PACKAGE), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
