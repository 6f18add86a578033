//! Reports that look wrong wait here: for a third equal read, or for somebody who says that they are right.

use super::{Pair, save};
use crate::engine::Shared;
use crate::guard::{PROOF, Suspicion};

/// Whether a report that looks wrong is held back.
pub(super) fn holds(
    shared: &Shared,
    identity: &str,
    pair: &mut Pair,
    full_reads: u64,
    suspicion: &Suspicion,
) -> bool {
    let reason = &suspicion.reason;
    let now = shared.clock.now().0;
    let asked = shared.state.asked_to_accept(&pair.source.name);
    let since = pair.report.held.as_ref().map_or(now, |held| held.since);
    if pair.accept || asked.is_some_and(|at| at >= since) {
        tracing::warn!(
            "Configuration \"{}\": {reason}; it was accepted and is sent",
            pair.source.name
        );
        release(shared, identity, pair);
        return false;
    }
    let new_read = pair.judged != full_reads;
    pair.judged = full_reads;
    let before = pair.report.held.take();
    let known = before.is_some();
    let mut held = match before {
        Some(held) if suspicion.is_that_of(&held) => held,
        _ => suspicion.held(since),
    };
    if new_read {
        held.reads += 1;
    }
    if held.reads >= PROOF {
        tracing::warn!(
            "Configuration \"{}\": {reason}; {PROOF} full reads say the same and it is sent",
            pair.source.name
        );
        pair.report.held = Some(held);
        release(shared, identity, pair);
        return false;
    }
    if !known {
        shared.table.doubt(&pair.source.name, true);
        shared.metrics.held(identity, &pair.source.name, true);
        tracing::warn!(
            "Configuration \"{}\" is held back from {identity}: {reason}. It is sent after {PROOF} equal full reads, or at once with: airlock-virt-who accept-change {}",
            pair.source.name,
            pair.source.name
        );
    }
    pair.report.held = Some(held);
    save(shared, &pair.report);
    true
}

pub(super) fn release(shared: &Shared, identity: &str, pair: &mut Pair) {
    if pair.report.held.take().is_some() {
        shared.table.doubt(&pair.source.name, false);
        shared.metrics.held(identity, &pair.source.name, false);
        save(shared, &pair.report);
    }
}
