//! Sync: a channel's upstreams become a new version, or nothing happens.
//!
//! Each channel is prepared on its own; with `together` (a tree) all prepared versions become current in one
//! transaction. A channel that fails or is held keeps its current version and does not stop the others.

mod absent;
mod attachments;
mod by_hand;
mod contribution;
mod errata;
mod merge;
mod metadata;
mod modules;
mod packages;
mod prepare;
mod together;
pub(crate) mod tree;
pub(crate) mod upstream;

pub(crate) use metadata::bytes_needed;
pub(crate) use packages::{Wanted, wanted};
pub(crate) use prepare::changes;

use airlock_model::{Channel, ChannelLabel, SyncOutcome, SyncState};

use crate::commit::PendingVersion;
use crate::context::TaskContext;
use crate::{Content, Error, Result};

/// How a sync is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// Take a sync that the shrink guard would hold.
    pub accept_shrink: bool,
    /// All channels become current in one switch (`--tree`).
    pub together: bool,
}

/// A channel's sync before the switch.
struct Prepared {
    outcome: SyncOutcome,
    version: Option<PendingVersion>,
}

impl Content {
    /// Syncs channels. Every channel has an outcome, in the order given; failures are in the outcomes.
    ///
    /// # Errors
    /// When the work is cancelled, or the switch of a tree fails.
    pub async fn sync(
        &self,
        ctx: &TaskContext,
        labels: &[ChannelLabel],
        options: SyncOptions,
    ) -> Result<Vec<SyncOutcome>> {
        let mut outcomes = Vec::new();
        let mut waiting: Vec<(usize, PendingVersion)> = Vec::new();
        for label in labels {
            ctx.check()?;
            let channel = match self.channel(ctx.actor.org, label).await {
                Ok(channel) => channel,
                Err(error @ Error::NoChannel { .. }) => {
                    outcomes.push(SyncOutcome {
                        state: SyncState::Failed,
                        error: Some(error.to_string()),
                        ..empty_outcome(label, None, 0)
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
            let prepared = match self.prepare_sync(ctx, &channel, options).await {
                Ok(prepared) => prepared,
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    tracing::warn!(channel.label = %label, %error, "sync failed");
                    Prepared {
                        outcome: failed(&channel, &error),
                        version: None,
                    }
                }
            };
            let place = outcomes.len();
            outcomes.push(prepared.outcome);
            let Some(version) = prepared.version else {
                continue;
            };
            if options.together {
                waiting.push((place, version));
            } else {
                match self.commit(ctx, vec![version]).await {
                    Ok(numbers) => {
                        if let (Some(outcome), Some(number)) =
                            (outcomes.get_mut(place), numbers.first())
                        {
                            outcome.to = Some(*number);
                        }
                    }
                    Err(Error::Held(held)) => {
                        if let Some(outcome) = outcomes.get_mut(place) {
                            held.tell(outcome);
                        }
                    }
                    Err(error) => {
                        if let Some(outcome) = outcomes.get_mut(place) {
                            *outcome = failed(&channel, &error);
                        }
                    }
                }
            }
        }
        if !waiting.is_empty() {
            let (places, versions): (Vec<usize>, Vec<PendingVersion>) = waiting.into_iter().unzip();
            let switched = self.commit(ctx, versions).await;
            for (number, place) in places.into_iter().enumerate() {
                let Some(outcome) = outcomes.get_mut(place) else {
                    continue;
                };
                match &switched {
                    Ok(numbers) => outcome.to = numbers.get(number).copied(),
                    // All or none: a tree with a held channel is held.
                    Err(Error::Held(held)) => held.tell(outcome),
                    Err(_) => {}
                }
            }
            match switched {
                Ok(_) | Err(Error::Held(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(outcomes)
    }
}

fn failed(channel: &Channel, error: &Error) -> SyncOutcome {
    SyncOutcome {
        state: SyncState::Failed,
        error: Some(error.to_string()),
        ..empty_outcome(&channel.label, channel.current, channel.packages)
    }
}

/// The outcome of a sync that leaves a channel as it is.
fn empty_outcome(label: &ChannelLabel, current: Option<i64>, packages: u64) -> SyncOutcome {
    SyncOutcome {
        channel: label.clone(),
        state: SyncState::Unchanged,
        from: current,
        to: current,
        added: 0,
        removed: 0,
        packages,
        errata: airlock_model::SeverityCounts::default(),
        bytes: 0,
        refused: Vec::new(),
        left_out: 0,
        warnings: Vec::new(),
        held: None,
        gate: None,
        error: None,
    }
}
