//! What a plan has to be besides readable: its parts name the same channels, and nothing in it goes beyond what planning
//! would have written.
//!
//! A person reviews `channels`, `--rebase` plans `request` again, and the task waits for the channels of the former: a
//! plan that was changed by hand in one of them only would do something else than was agreed to.

use std::collections::BTreeSet;

use airlock_model::{ChannelLabel, Plan, PlannedChannel};

use super::tree::LONGEST_TEXT;
use crate::{Error, Result};

/// Characters of an erratum's name.
const LONGEST_NAME: usize = 255;
/// Characters of a name that a message shows.
const SHOWN: usize = 60;

/// Checks a plan against itself.
///
/// # Errors
/// [`Error::Invalid`] naming what does not fit.
pub(super) fn check(plan: &Plan) -> Result<()> {
    if plan.channels.len() > Plan::MOST_CHANNELS {
        return Err(torn(format!(
            "it has {} channels, and a plan has at most {}",
            plan.channels.len(),
            Plan::MOST_CHANNELS
        )));
    }
    same_pairs(plan)?;
    same_parents(plan)?;
    for (place, channel) in plan.channels.iter().enumerate() {
        creation(plan, place, channel)?;
        names(channel)?;
    }
    Ok(())
}

/// `request` and `channels` name the same sources and destinations, each destination once.
fn same_pairs(plan: &Plan) -> Result<()> {
    let asked = plan.request.channels.iter();
    let asked: BTreeSet<_> = asked.map(|c| (&c.destination, &c.source)).collect();
    let mut planned: BTreeSet<(&ChannelLabel, &ChannelLabel)> = BTreeSet::new();
    for channel in &plan.channels {
        let (source, destination) = (&channel.source.label, &channel.destination.label);
        if planned.iter().any(|(label, _)| *label == destination) {
            return Err(torn(format!("{destination} stands twice in its channels")));
        }
        if !asked.contains(&(destination, source)) {
            return Err(torn(format!(
                "{source} → {destination} stands in its channels and not in its request"
            )));
        }
        planned.insert((destination, source));
    }
    match asked.difference(&planned).next() {
        None => Ok(()),
        Some((destination, source)) => Err(torn(format!(
            "{source} → {destination} stands in its request and not in its channels"
        ))),
    }
}

/// The parents are those of the request.
fn same_parents(plan: &Plan) -> Result<()> {
    let fits = match (&plan.request.parents, &plan.parents) {
        (None, None) => true,
        (Some(asked), Some(planned)) => {
            let source = asked.source.as_ref();
            asked.destination == planned.destination.label
                && source.is_none_or(|label| *label == planned.source.label)
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(torn("its parents are not those of its request".to_owned())),
    }
}

/// A channel that is made belongs where its tree is.
fn creation(plan: &Plan, place: usize, channel: &PlannedChannel) -> Result<()> {
    let Some(create) = &channel.create else {
        return Ok(());
    };
    let label = &channel.destination.label;
    // The base comes first; with given parents there are children only.
    let expected = match (&plan.parents, plan.channels.first()) {
        (Some(parents), _) => Some(&parents.destination.label),
        (None, Some(base)) if place > 0 => Some(&base.destination.label),
        (None, _) => None,
    };
    if create.parent.as_ref() != expected {
        let said = |parent: Option<&ChannelLabel>| match parent {
            Some(parent) => format!("below {parent}"),
            None => "as a base channel".to_owned(),
        };
        return Err(torn(format!(
            "{label} would be made {}, and its tree has it {}",
            said(create.parent.as_ref()),
            said(expected)
        )));
    }
    let texts = [&create.name, &create.summary, &create.description];
    if texts.iter().any(|text| text.len() > LONGEST_TEXT) {
        return Err(torn(format!(
            "name, summary and description of {label} have at most {LONGEST_TEXT} bytes each"
        )));
    }
    Ok(())
}

/// Errata get names that one can write. One that keeps its name has that of its upstream, whatever that looks like.
fn names(channel: &PlannedChannel) -> Result<()> {
    for erratum in &channel.errata {
        let name = &erratum.published_as;
        let good = !name.is_empty()
            && name.chars().count() <= LONGEST_NAME
            && !name.chars().any(char::is_control);
        if !good && (name.is_empty() || *name != erratum.advisory) {
            let shown = |name: &str| name.chars().take(SHOWN).collect::<String>();
            return Err(Error::invalid(
                format!(
                    "the erratum {:?} cannot be published as {:?}: a name has 1 to {LONGEST_NAME} characters and no control characters",
                    shown(&erratum.advisory),
                    shown(name)
                ),
                "--keep-advisory-names keeps the names of the source; a plan that was changed by hand is made again",
            ));
        }
    }
    Ok(())
}

fn torn(why: String) -> Error {
    Error::invalid(
        format!("the plan does not fit together: {why}"),
        "it was changed by hand: change the wish and plan again",
    )
}
