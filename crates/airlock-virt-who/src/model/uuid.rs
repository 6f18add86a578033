//! Uuids and their byte orders.

/// Swaps the byte order of the first three groups: `78563412-ab90-efcd-…` becomes `12345678-90ab-cdef-…`. Letters keep
/// their case. `None` if the text has not the form 8-4-4-rest.
#[must_use]
pub fn swapped(uuid: &str) -> Option<String> {
    let mut groups = uuid.splitn(4, '-');
    let mut out = String::with_capacity(uuid.len());
    for length in [8, 4, 4] {
        let group = groups.next()?;
        if group.len() != length || !group.is_ascii() {
            return None;
        }
        for at in (0..length).step_by(2).rev() {
            out.push_str(group.get(at..at + 2)?);
        }
        out.push('-');
    }
    out.push_str(groups.next()?);
    Some(out)
}

/// A uuid as Windows writes it (`{78563412-AB90-…}`, braces or not) in the order that others use.
#[must_use]
pub fn of_windows(guid: &str) -> Option<String> {
    swapped(guid.trim_start_matches('{').trim_end_matches('}'))
}

/// Whether guests of this virtual hardware (`config.version`, such as `vmx-13`) tell their uuid in the other byte order,
/// as they do since 13. A version of another form is an old one.
#[must_use]
pub fn is_swapped_by(version: &str) -> bool {
    version
        .split('-')
        .nth(1)
        .and_then(|number| number.parse::<u32>().ok())
        .is_some_and(|number| number >= 13)
}

/// The uuid of an ESX guest in the order that others use; without a version it stays as it is.
#[must_use]
pub fn of_esx_guest(uuid: &str, version: Option<&str>) -> String {
    if version.is_some_and(is_swapped_by) {
        swapped(uuid).unwrap_or_else(|| uuid.to_owned())
    } else {
        uuid.to_owned()
    }
}

/// A key under which all spellings of a uuid in one byte order are equal: lower-case hexadecimal digits only. Other
/// texts are lower-cased.
#[must_use]
pub fn folded(uuid: &str) -> String {
    let digits: String = uuid
        .chars()
        .filter(|letter| !matches!(letter, '-' | '{' | '}'))
        .flat_map(char::to_lowercase)
        .collect();
    if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        digits
    } else {
        uuid.to_lowercase()
    }
}

/// Whether the text looks like a uuid: 8-4-4-4-12 hexadecimal digits.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut groups = 0;
    text.split('-').enumerate().all(|(at, group)| {
        groups = at + 1;
        lengths.get(at) == Some(&group.len()) && group.bytes().all(|b| b.is_ascii_hexdigit())
    }) && groups == lengths.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_forms_stay_as_they_are() {
        assert_eq!(swapped("not a uuid"), None);
        assert_eq!(swapped("äääääääa-aaaa-aaaa-x"), None);
        assert_eq!(of_esx_guest("odd", Some("vmx-19")), "odd");
        assert_eq!(
            of_esx_guest("78563412-ab90-efcd-1", Some("vmx")),
            "78563412-ab90-efcd-1"
        );
    }

    #[test]
    fn spellings_fold_together() {
        assert_eq!(
            folded("{4C4C4544-0042-3510-8052-B3C04F4D4E32}"),
            folded(
                "4c4c454400423510 8052b3c04f4d4e32"
                    .replace(' ', "")
                    .as_str()
            )
        );
        assert_eq!(folded("H1"), "h1");
        assert!(looks_like("4c4c4544-0042-3510-8052-b3c04f4d4e32"));
        assert!(!looks_like("4c4c4544-0042-3510-8052"));
        assert!(!looks_like("esx1.example.com"));
    }
}
