//! Names of cloned errata (reference clone-by-date, section 6): `RHBA-2014:1` becomes `CL-BA-2014:1`, and `CM-BA-2014:1`
//! where that name is taken.

/// The name behind the prefix.
fn suffix(advisory: &str) -> &str {
    advisory.strip_prefix("RH").unwrap_or(advisory)
}

/// The names that a clone of an original may get, in their order: `CL-` to `CZ-`, then `DA-` to `ZZ-`.
pub(super) fn candidates(advisory: &str) -> impl Iterator<Item = String> + '_ {
    let letters = |from: u8| (from..=b'Z').map(char::from);
    let first = letters(b'L').map(|second| ('C', second));
    let later =
        letters(b'D').flat_map(move |first| letters(b'A').map(move |second| (first, second)));
    first
        .chain(later)
        .map(move |(first, second)| format!("{first}{second}-{}", suffix(advisory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_old() {
        let names: Vec<String> = candidates("RHBA-2014:1").take(17).collect();
        assert_eq!(names[0], "CL-BA-2014:1");
        assert_eq!(names[1], "CM-BA-2014:1");
        assert_eq!(names[14], "CZ-BA-2014:1");
        assert_eq!(names[15], "DA-BA-2014:1");
        assert_eq!(names[16], "DB-BA-2014:1");
        assert_eq!(candidates("CUSTOM-1").next().unwrap(), "CL-CUSTOM-1");
        assert_eq!(candidates("X").count(), 15 + 23 * 26);
        assert_eq!(candidates("X").last().unwrap(), "ZZ-X");
    }
}
