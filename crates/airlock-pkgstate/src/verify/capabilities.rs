//! Capabilities of files: the text in packages, and the attribute that the kernel keeps.

use std::fmt::Write;

/// Sets of capabilities, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Capabilities {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

/// Names by number (`linux/capability.h`).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

const ALL: u64 = (1 << NAMES.len()) - 1;
const REVISION: u32 = 0xff00_0000;
const EFFECTIVE: u32 = 1;

impl Capabilities {
    /// Reads a text such as `cap_net_admin,cap_net_raw+ep` or `cap_net_raw=ep`. `None` when it is none; rpm takes that
    /// as no capabilities.
    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut found = Self::default();
        for clause in text.split_whitespace() {
            let end = clause.find(['=', '+', '-'])?;
            let (names, mut rest) = clause.split_at(end);
            let mut mask = 0;
            for name in names.split(',').filter(|name| !name.is_empty()) {
                mask |= mask_of(name)?;
            }
            if names.is_empty() {
                // `=` alone clears, `=ep` raises all.
                mask = ALL;
            }
            while let Some(operator) = rest.chars().next() {
                rest = &rest[1..];
                let end = rest.find(['=', '+', '-']).unwrap_or(rest.len());
                let (flags, after) = rest.split_at(end);
                rest = after;
                if operator == '=' {
                    found.change(mask, "eip", false)?;
                }
                found.change(mask, flags, operator != '-')?;
            }
        }
        Some(found)
    }

    fn change(&mut self, mask: u64, flags: &str, raise: bool) -> Option<()> {
        for flag in flags.chars() {
            let set = match flag {
                'e' => &mut self.effective,
                'p' => &mut self.permitted,
                'i' => &mut self.inheritable,
                _ => return None,
            };
            match raise {
                true => *set |= mask,
                false => *set &= !mask,
            }
        }
        Some(())
    }

    /// Reads the attribute `security.capability` of any revision; what is no such attribute is no capabilities.
    pub(super) fn from_attribute(bytes: &[u8]) -> Self {
        let word = |at: usize| {
            bytes
                .get(at..at + 4)
                .and_then(|four| four.try_into().ok())
                .map_or(0, u32::from_le_bytes)
        };
        let magic = word(0);
        let two = |low: usize, high: usize| u64::from(word(high)) << 32 | u64::from(word(low));
        let (permitted, inheritable) = match magic & REVISION {
            0x0100_0000 => (u64::from(word(4)), u64::from(word(8))),
            0x0200_0000 | 0x0300_0000 => (two(4, 12), two(8, 16)),
            _ => return Self::default(),
        };
        Self {
            effective: match magic & EFFECTIVE {
                0 => 0,
                _ => permitted | inheritable,
            },
            permitted,
            inheritable,
        }
    }

    /// Text for people: `cap_net_raw=ep`, or `none`.
    pub(super) fn text(self) -> String {
        let mut text = String::new();
        for bit in 0..64 {
            let has = |set: u64| set >> bit & 1 == 1;
            if !has(self.effective | self.permitted | self.inheritable) {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            // A String takes everything.
            let _ = match NAMES.get(bit) {
                Some(name) => write!(text, "cap_{name}="),
                None => write!(text, "{bit}="),
            };
            for (set, letter) in [
                (self.effective, 'e'),
                (self.inheritable, 'i'),
                (self.permitted, 'p'),
            ] {
                if has(set) {
                    text.push(letter);
                }
            }
        }
        if text.is_empty() {
            text.push_str("none");
        }
        text
    }
}

fn mask_of(name: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    if name == "all" {
        return Some(ALL);
    }
    let bit = match name.strip_prefix("cap_") {
        Some(short) => NAMES.iter().position(|known| *known == short)?,
        None => name.parse().ok().filter(|bit| *bit < 64)?,
    };
    Some(1 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_texts_mean_the_same_as_the_attribute() {
        // Revision 2, effective, cap_net_raw (13) permitted.
        let attribute = [
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let kept = Capabilities::from_attribute(&attribute);
        for text in [
            "cap_net_raw=ep",
            "= cap_net_raw+ep",
            "CAP_NET_RAW+pe",
            "13=ep",
        ] {
            assert_eq!(
                Capabilities::from_text(text.as_bytes()),
                Some(kept),
                "{text}"
            );
        }
        assert_eq!(kept.text(), "cap_net_raw=ep");
        assert_eq!(Capabilities::from_text(b"="), Some(Capabilities::default()));
        assert_eq!(Capabilities::from_text(b""), Some(Capabilities::default()));
        assert_eq!(Capabilities::from_text(b"cap_no_such=ep"), None);
        assert_eq!(Capabilities::default().text(), "none");
    }
}
