//! Taking applied plans back: all their channels in one switch, or none of them.
//!
//! Which version a plan made is known by the plan's digest, and what a channel held before by the digest of that
//! content. Numbers of versions do not count: a plan may be older than what it was applied to.

use std::collections::{BTreeMap, HashSet};

use airlock_model::{ChannelLabel, UndonePlan, VersionInfo, VersionKind, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::context::TaskContext;
use crate::edit::EditOutcome;
use crate::{Content, Error, Result};

/// A channel that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    /// The channel.
    pub channel: ChannelLabel,
    /// The version that is current.
    pub from: VersionNumber,
    /// The version whose content it gets again; none when it had no content.
    pub to: Option<VersionNumber>,
}

/// What taking plans back did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The channels that go back.
    pub steps: Vec<UndoStep>,
    /// What was skipped, and what is left to do by hand.
    pub notes: Vec<String>,
    /// What became of the channels; empty when it was only asked what would be done.
    pub channels: Vec<EditOutcome>,
}

/// Versions of the channels that there are, oldest first, the current one marked.
type Histories = BTreeMap<ChannelLabel, Vec<VersionInfo>>;

impl Content {
    /// Gives every channel of the plans what it held before them, in one switch. Channels that a plan was not applied to,
    /// and those that are back already, are skipped with a note; `dry_run` only says what would be done.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a channel has moved on since its plan, or no plan was applied: then nothing is changed.
    pub async fn undo_plans(
        &self,
        ctx: &TaskContext,
        plans: &[UndonePlan],
        dry_run: bool,
    ) -> Result<Undone> {
        let mut channels = BTreeMap::new();
        let mut histories = Histories::new();
        for one in plans.iter().flat_map(|plan| &plan.channels) {
            if channels.contains_key(&one.channel) {
                continue;
            }
            let channel = match self.channel(ctx.actor.org, &one.channel).await {
                Err(Error::NoChannel { .. }) => continue,
                found => found?,
            };
            let mut history = airlock_db::versions::list(self.db(), channel.id).await?;
            for info in &mut history {
                info.current = channel.current == Some(info.number);
            }
            histories.insert(one.channel.clone(), history);
            channels.insert(one.channel.clone(), channel);
        }
        let mut undone = steps(plans, &histories)?;
        if dry_run {
            return Ok(undone);
        }
        let mut changes = Vec::new();
        for step in &undone.steps {
            ctx.check()?;
            let channel = channels.get(&step.channel);
            let channel = channel.ok_or_else(|| Error::no_channel(&step.channel))?;
            changes.push(self.back_to(ctx, channel, step.from, step.to).await?);
        }
        undone.channels = self.finish_changes(ctx, changes).await?;
        Ok(undone)
    }
}

/// What one plan is to one channel.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Its content is not there any more.
    TakenBack,
    /// Something else came after it.
    MovedOn,
    /// What was there before is no longer kept.
    Gone,
    /// It goes back to this place of its history; none: to nothing.
    Back(Option<usize>),
}

/// What is done to each channel, by the plans' order: bases first.
fn steps(plans: &[UndonePlan], histories: &Histories) -> Result<Undone> {
    let mut undone = Undone::default();
    let mut applied = false;
    let mut seen = HashSet::new();
    let named = plans.iter().flat_map(|plan| &plan.channels);
    for label in named.map(|one| &one.channel) {
        if !seen.insert(label) {
            continue;
        }
        let history = histories.get(label).map_or(&[][..], Vec::as_slice);
        let Some(current) = history.iter().position(|info| info.current) else {
            let what = match histories.contains_key(label) {
                true => "has no content",
                false => "does not exist",
            };
            undone.notes.push(format!("{label} {what}"));
            continue;
        };
        // The plan that was applied last goes first, in whichever order they were named.
        let mut own = Vec::new();
        let mut known = HashSet::new();
        for plan in plans.iter().filter(|plan| known.insert(&plan.digest)) {
            let Some(one) = plan.channels.iter().find(|one| one.channel == *label) else {
                continue;
            };
            match history[..=current]
                .iter()
                .rposition(|info| made(info, plan))
            {
                Some(place) => own.push((place, plan, one.before.as_deref())),
                None => undone
                    .notes
                    .push(format!("{} was not applied to {label}", plan.called())),
            }
        }
        own.sort_by_key(|(place, ..)| std::cmp::Reverse(*place));
        applied |= !own.is_empty();
        let mut stand = Some(current);
        for (place, plan, before) in own {
            match find(plan, before, history, (place, stand)) {
                Found::Back(to) => stand = to,
                Found::TakenBack => undone.notes.push(format!(
                    "{} is taken back in {label} already",
                    plan.called()
                )),
                Found::MovedOn => {
                    return Err(Error::conflict(
                        format!(
                            "{label} has moved on since {} was applied: it is at version {} now",
                            plan.called(),
                            history[current].number
                        ),
                        "nothing was taken back; airlock channel versions LABEL shows what came after, airlock channel rollback LABEL VERSION goes back all the same",
                    ));
                }
                Found::Gone => {
                    return Err(Error::conflict(
                        format!(
                            "what {label} held before {} is no longer kept",
                            plan.called()
                        ),
                        "nothing was taken back; airlock channel versions LABEL shows what there is",
                    ));
                }
            }
        }
        if stand == Some(current) {
            continue;
        }
        if stand.is_none() {
            undone.notes.push(format!(
                "{label} had no content before: it becomes empty and stays; airlock channel delete {label} takes it away"
            ));
        }
        undone.steps.push(UndoStep {
            channel: label.clone(),
            from: history[current].number,
            to: stand.map(|place| history[place].number),
        });
    }
    if !applied {
        let all: Vec<String> = plans.iter().map(UndonePlan::called).collect();
        return Err(Error::conflict(
            format!("nothing of {} is there to be taken back", all.join(", ")),
            "a plan that was not applied changed nothing, and what --rebase applied is in a file beside it (FILE.rebased.json): airlock channel versions LABEL shows what there is",
        ));
    }
    Ok(undone)
}

fn made(info: &VersionInfo, plan: &UndonePlan) -> bool {
    info.plan_digest.as_ref() == Some(&plan.digest)
}

/// What a plan, which made the version at `place`, is to a channel that stands at `stand` of its history.
fn find(
    plan: &UndonePlan,
    before: Option<&str>,
    history: &[VersionInfo],
    (place, stand): (usize, Option<usize>),
) -> Found {
    let Some(stand) = stand.filter(|stand| *stand >= place) else {
        return Found::TakenBack;
    };
    let now = &history[stand];
    // The undo of a later plan, or a rollback, has brought back what this one made.
    let same = |info: &VersionInfo| {
        info.number == now.number
            || (now.kind == VersionKind::Rollback && info.content_digest == now.content_digest)
    };
    let maker = history[..=stand]
        .iter()
        .rposition(|info| made(info, plan) && same(info));
    if let Some(maker) = maker {
        let Some(before) = before else {
            return Found::Back(None);
        };
        let earlier = history[..maker].iter();
        let to = earlier.rev().position(|info| info.content_digest == before);
        return to.map_or(Found::Gone, |back| Found::Back(Some(maker - 1 - back)));
    }
    let is_empty = now.packages == 0 && now.errata == 0;
    let mut earlier = history[..place].iter();
    let back = earlier.any(|info| info.content_digest == now.content_digest);
    match back || is_empty {
        true => Found::TakenBack,
        false => Found::MovedOn,
    }
}
