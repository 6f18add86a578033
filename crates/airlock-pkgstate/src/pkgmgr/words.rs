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

/// Values of `choose`: which packages of a group of yum.
pub const CHOICES: [&str; 4] = ["mandatory", "default", "optional", "all"];

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

/// What is wrong with a flag, for the driver of packages of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagFlaw {
    /// No driver has it.
    pub is_unknown: bool,
    /// What is wrong and what to write.
    pub text: String,
}

/// What is wrong with a flag of `verify_flags`; `kind` is the type of the packages where it is known.
pub fn flag_flaw(flag: &str, kind: Option<&str>) -> Option<FlagFlaw> {
    let lower = flag.to_ascii_lowercase();
    let (rpm, yum) = (
        RPM_FLAGS.contains(&lower.as_str()),
        YUM_FLAGS.contains(&lower.as_str()),
    );
    let replaced = match lower.as_str() {
        "nomd5" => "; write nochecksum",
        "nolinkto" => "; write nosymlink",
        "nochecksum" => "; write nomd5",
        "nosymlink" => "; write nolinkto",
        _ => "",
    };
    let text = match (kind, rpm, yum) {
        (_, false, false) => {
            let known = RPM_FLAGS.into_iter().chain(YUM_FLAGS);
            let meant = nearest(flag, known).map(|meant| format!("; did you mean {meant}?"));
            format!(
                "verify_flags: there is no {flag:?}{}",
                meant.unwrap_or_default()
            )
        }
        (Some("yum"), true, false) => {
            format!("verify_flags: {flag} does nothing with YUMng{replaced}")
        }
        (Some("rpm"), false, true) => {
            format!("verify_flags: {flag} does nothing with RPMng{replaced}")
        }
        _ => return None,
    };
    Some(FlagFlaw {
        is_unknown: !rpm && !yum,
        text,
    })
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
    // Of two that are as near, the one of the same length: letters change their places.
    let near = words.into_iter().map(|known| {
        let distance = distance(&word, &known.to_ascii_lowercase());
        (distance, known.len().abs_diff(word.len()), known)
    });
    let (distance, _, known) = near.min()?;
    (distance <= 2 && distance < word.len()).then_some(known)
}

/// How many letters have to be put in, taken out or changed; two neighbours that change their places are one.
fn distance(one: &str, two: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let two: Vec<char> = two.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, letter) in one.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, other) in two.iter().enumerate() {
            let changed = row[j] + usize::from(letter != other);
            let mut least = changed.min(next[j] + 1).min(row[j + 1] + 1);
            if i > 0 && j > 0 && *letter == two[j - 1] && one[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
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
        assert_eq!(nearest("RPMgn", ["RPM", "RPMng"]), Some("RPMng"));
        assert_eq!(nearest("rmp", TYPES), Some("rpm"));
        assert_eq!(nearest("yumm", TYPES), Some("yum"));
        assert_eq!(nearest("Sevrice", ["Service", "Device"]), Some("Service"));
        assert_eq!(nearest("colour", PACKAGE), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
