//! Drops what was pulled in and turned out to be needless, and says why the rest is there.
//!
//! `a` is taken for a requirement, and later `b`, for another one that only `b` meets; if `b` meets
//! the first one too, nothing needs `a` any more. If what came in for `a` needs `a`, the two would
//! keep each other: so only what can be reached from the selected packages stays.

mod needs;
mod walk;

use crate::pool::PackageId;
use crate::set::PackageSet;
use crate::sight::Sight;
use crate::universe::Universe;

use self::needs::Needs;
use self::walk::Walk;
use super::{Group, Pulled};

/// The groups that are really needed, by place, each with a reason and behind what it is needed by.
/// `fixed` is what is there whatever was pulled in.
pub(super) fn prune(
    universe: &Universe<'_>,
    selected: &[PackageId],
    fixed: &PackageSet,
    sight: Option<&Sight>,
    groups: &[Group],
) -> Vec<(usize, Pulled)> {
    if groups.is_empty() {
        return Vec::new();
    }
    let mut needs = Needs::new(universe, selected, fixed, sight, groups);
    loop {
        let found = Walk::from_selected(&needs, selected);
        let dropped = needs.drop_others(&found) | needs.drop_needless();
        if !dropped {
            return walk::reasons(&needs, selected, &found);
        }
    }
}
