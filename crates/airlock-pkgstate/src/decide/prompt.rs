//! What the operator is asked, byte for byte.

use super::{Code, Examined};
use crate::declared::Entry;
use crate::evra::Form;

impl Code {
    /// The code as a prompt shows it.
    pub fn shown(&self, form: Form) -> String {
        match self {
            Self::Install(evra) => format!("I({})", evra.shown(form)),
            Self::Upgrade { have, want } => {
                format!("U({} -> {})", have.shown(form), want.shown(form))
            }
            Self::Reinstall(evra) => format!("R({})", evra.shown(form)),
            Self::Config(evra) => format!("C({})", evra.shown(form)),
            Self::Delete(evra) => format!("D({})", evra.shown(form)),
        }
    }
}

/// The question that belongs to one entry alone; `None` when there is only the generic one.
pub fn own(entry: &Entry, examined: &Examined, form: Form) -> Option<String> {
    let codes = examined.codes.as_ref()?;
    // Every code is followed by a blank; so the program wrote two blanks before "(y/N)".
    let codes: String = codes
        .iter()
        .map(|code| format!("{} ", code.shown(form)))
        .collect();
    let name = entry.name();
    Some(match examined.none_installed {
        true => format!("Install Package {name} Instance(s) {codes}? (y/N) "),
        false => format!("Install/Upgrade/delete Package {name} instance(s) - {codes} (y/N) "),
    })
}

/// The question about a bad entry.
pub fn install(entry: &Entry, examined: Option<&Examined>, form: Form) -> String {
    examined
        .and_then(|examined| own(entry, examined, form))
        .unwrap_or_else(|| format!("Install {}: {}? (y/N): ", entry.tag(), entry.name()))
}

/// The question about an extra package.
pub fn remove(name: &str) -> String {
    format!("Remove Package: {name}? (y/N): ")
}

/// Whether an answer means yes: only `y` and `Y` do.
pub fn is_yes(answer: &str) -> bool {
    matches!(answer, "y" | "Y")
}
