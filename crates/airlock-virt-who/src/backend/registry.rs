//! The kinds of backends, one line each.

use super::Kind;

/// All kinds, in the order that messages list them.
pub const KINDS: &[&dyn Kind] = &[
    &super::esx::Esx,
    &super::fake::Fake,
    &super::vdsm::Vdsm,
];

/// The kind with this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}
