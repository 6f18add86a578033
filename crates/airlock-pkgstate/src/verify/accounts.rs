//! Names of users and groups, from the root's own files.

use std::collections::HashMap;

use super::root::Root;

/// A longer file than any machine has.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The users and groups of a root. Number 0 is always `root`, as in rpm.
#[derive(Debug, Default)]
pub struct Accounts {
    users: Names,
    groups: Names,
}

#[derive(Debug, Default)]
struct Names {
    by_number: HashMap<u32, Vec<u8>>,
    by_name: HashMap<Vec<u8>, u32>,
}

impl Accounts {
    /// Reads `/etc/passwd` and `/etc/group` of a root. What is not there, or no line of such a file, is left out.
    pub fn load(root: &Root) -> Self {
        let read = |path: &[u8]| root.read_small(path, LARGEST).unwrap_or_default();
        Self::from_files(&read(b"/etc/passwd"), &read(b"/etc/group"))
    }

    /// The same from the contents of the two files.
    pub fn from_files(passwd: &[u8], group: &[u8]) -> Self {
        Self {
            users: Names::read(passwd),
            groups: Names::read(group),
        }
    }

    /// True when a user of that number is what the package wants. rpm takes the name of the number, or the number of
    /// the name.
    pub(super) fn user_is(&self, wanted: &[u8], number: u32) -> bool {
        self.users.fit(wanted, number)
    }

    /// As [`Accounts::user_is`].
    pub(super) fn group_is(&self, wanted: &[u8], number: u32) -> bool {
        self.groups.fit(wanted, number)
    }

    /// Name of a user, the number where it has none.
    pub(super) fn user_text(&self, number: u32) -> String {
        self.users.text(number)
    }

    /// Name of a group, the number where it has none.
    pub(super) fn group_text(&self, number: u32) -> String {
        self.groups.text(number)
    }

    /// Number of a user.
    pub(super) fn user_number(&self, name: &[u8]) -> Option<u32> {
        self.users.number(name)
    }
}

impl Names {
    /// Lines `name:password:number:…`; the first of a name or number counts.
    fn read(file: &[u8]) -> Self {
        let mut names = Self::default();
        for line in file.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b':');
            let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else {
                continue;
            };
            let number = std::str::from_utf8(number)
                .ok()
                .and_then(|number| number.parse().ok());
            let Some(number) = number else {
                continue;
            };
            names
                .by_number
                .entry(number)
                .or_insert_with(|| name.to_vec());
            names.by_name.entry(name.to_vec()).or_insert(number);
        }
        names
    }

    fn number(&self, name: &[u8]) -> Option<u32> {
        match name {
            b"root" => Some(0),
            name => self.by_name.get(name).copied(),
        }
    }

    fn name(&self, number: u32) -> Option<&[u8]> {
        match number {
            0 => Some(b"root"),
            number => self.by_number.get(&number).map(Vec::as_slice),
        }
    }

    fn fit(&self, wanted: &[u8], number: u32) -> bool {
        // Nearly every file.
        if number == 0 && wanted == b"root" {
            return true;
        }
        // To an unknown name rpm installs as root, and takes that for right when it verifies.
        self.name(number) == Some(wanted) || self.number(wanted).unwrap_or(0) == number
    }

    fn text(&self, number: u32) -> String {
        match self.name(number) {
            Some(name) => String::from_utf8_lossy(name).into_owned(),
            None => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_both_ways() {
        let accounts = Accounts::from_files(
            b"root:x:0:0::/:/bin/sh\nweb:x:33:33\nalias:x:33:5\nbroken\nno:x:number:1\n",
            b"web:x:33:\n",
        );
        assert!(accounts.user_is(b"web", 33));
        // Two names of one number: both are right.
        assert!(accounts.user_is(b"alias", 33));
        assert!(!accounts.user_is(b"web", 34));
        assert!(!accounts.user_is(b"nobody", 34));
        assert!(accounts.user_is(b"nobody", 0));
        assert!(!accounts.user_is(b"web", 0));
        assert!(accounts.user_is(b"root", 0));
        assert_eq!(accounts.user_text(33), "web");
        assert_eq!(accounts.user_text(7), "7");
        assert!(Accounts::default().group_is(b"root", 0));
    }
}
