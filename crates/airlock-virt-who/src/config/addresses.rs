//! Passwords in addresses (`https://user:secret@host`). Addresses are shown by `check`, in the log, by `status`, in metrics
//! and in the state, so no password stays in one: it is taken out when the section is read, and told.

use super::origin::{RawSection, Told};
use crate::backend::Level;

/// Options that hold addresses of servers. Proxies are secrets as a whole, so they may hold a password.
const OPTIONS: [(&str, &str); 4] = [
    ("server", "username and password"),
    ("sat_server", "sat_username and sat_password"),
    ("rhsm_hostname", "rhsm_username and rhsm_password"),
    ("airlock_server", "airlock_token_file"),
];

/// Takes the passwords out of a section's addresses.
pub(super) fn strip(section: &mut RawSection, told: &mut Vec<Told>) {
    for (name, instead) in OPTIONS {
        let Some(value) = section.values.get_mut(name) else {
            continue;
        };
        if let Some(text) = without_password(&value.text) {
            value.text = text;
            told.push(Told {
                level: Level::Warning,
                section: Some(section.name.clone()),
                origin: Some(value.origin.clone()),
                text: format!(
                    "\"{name}\" holds a password, which is not used: an address is shown in logs. Write the account into {instead}"
                ),
            });
        }
    }
}

/// The address with the user but without the password; `None` when there is none in it.
pub(super) fn without_password(address: &str) -> Option<String> {
    let at = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at_checked(at)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    // A password that nobody has escaped may itself hold the signs that end an authority.
    let account = match (authority.rfind('@'), authority.split_once(':')) {
        (Some(at), _) => at,
        // A port is followed by a path, if by anything; a sign that begins neither is one of a password.
        (None, Some((_, port)))
            if !port.bytes().all(|byte| byte.is_ascii_digit())
                || rest.get(end..)?.starts_with(['?', '#']) =>
        {
            rest.rfind('@')?
        }
        _ => return None,
    };
    let (user, _) = rest.get(..account)?.split_once(':')?;
    let host = rest.get(account + 1..)?;
    if user.is_empty() {
        return Some(format!("{scheme}{host}"));
    }
    Some(format!("{scheme}{user}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_goes() {
        for (address, wanted) in [
            (
                "https://user:secret@vc.example.com/sdk",
                Some("https://user@vc.example.com/sdk"),
            ),
            ("user:secret@vc:8443", Some("user@vc:8443")),
            ("https://u:se/c@r?e#t@vc/sdk", Some("https://u@vc/sdk")),
            ("https://admin:2024#Secret@vc", Some("https://admin@vc")),
            ("https://admin:2024?Secret@vc", Some("https://admin@vc")),
            ("https://vc:8443/#a@b", None),
            ("https://u:secret@[::1]:443", Some("https://u@[::1]:443")),
            ("https://:secret@vc", Some("https://vc")),
            ("qemu+ssh://root@kvm:2222/system?keyfile=/a@b", None),
            ("https://vc:8443/sdk@x", None),
            ("https://[2001:db8::1]:443/", None),
            ("[2001:db8::1]", None),
            ("vc.example.com", None),
            ("", None),
        ] {
            assert_eq!(without_password(address).as_deref(), wanted, "{address}");
        }
    }
}
