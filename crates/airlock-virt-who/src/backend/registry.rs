//! The kinds of backends, one line each.

use super::Kind;

/// All kinds, in the order that messages list them.
pub const KINDS: &[&dyn Kind] = &[
    &super::ahv::Ahv,
    &super::esx::Esx,
    &super::fake::Fake,
    &super::hyperv::Hyperv,
    &super::kubevirt::Kubevirt,
    &super::libvirt::Libvirt,
    &super::rhevm::Rhevm,
    &super::vdsm::Vdsm,
    &super::xen::Xen,
];

/// The kind with this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}
