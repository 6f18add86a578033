//! Changing what channels hold: sync, add, remove, rollback, promote, fetch.

use airlock_model::{Channel, ChannelLabel, ChannelPatch, SyncOutcome, SyncState};
use airlock_server::api;
use http::Method;
use serde_json::Value;

use super::Context;
use super::channel::{label, label_at};
use super::task::start;
use crate::cli::Waiting;
use crate::cli::channel::SyncArgs;
use crate::fail::{Fail, Result};
use crate::show;

/// `channel sync`.
pub async fn sync(context: &Context, args: SyncArgs) -> Result {
    let channels = args
        .labels
        .iter()
        .map(|text| label(text))
        .collect::<Result<Vec<_>>>()?;
    let tree = args.tree.as_deref().map(label).transpose()?;
    let mut all_scheduled = true;
    if let Some(schedule) = &args.schedule {
        for label in &scheduled(context, &channels, args.all, tree.as_ref()).await? {
            let patch = ChannelPatch {
                schedule: Some(schedule.clone()),
                ..ChannelPatch::default()
            };
            let path = format!("/api/v1/channels/{label}");
            let set: Result<Value> = context.client.send(Method::PATCH, &path, &patch).await;
            match set {
                Ok(_) => {}
                // One of several that cannot be scheduled does not stop the others.
                Err(fail) if channels.len() > 1 && !fail.lost => {
                    fail.print();
                    all_scheduled = false;
                }
                Err(fail) => return Err(fail),
            }
        }
    }
    let wish = api::Sync {
        channels,
        all: args.all,
        tree,
        accept_shrink: args.accept_shrink,
    };
    let Some(outcomes) =
        start::<Vec<SyncOutcome>>(context, "/api/v1/sync", &wish, args.waiting).await?
    else {
        return match all_scheduled {
            true => Ok(()),
            false => Err(Fail::said()),
        };
    };
    if context.json {
        show::json(&outcomes)?;
    } else {
        for outcome in &outcomes {
            for remark in show::outcome::remarks(outcome) {
                eprintln!("{remark}");
            }
        }
        for outcome in &outcomes {
            show::line(&show::outcome::sync(outcome))?;
        }
    }
    let well = outcomes
        .iter()
        .all(|outcome| matches!(outcome.state, SyncState::Published | SyncState::Unchanged));
    if well && all_scheduled {
        Ok(())
    } else {
        Err(Fail::said())
    }
}

/// The channels that a schedule is for: those that are synced now.
async fn scheduled(
    context: &Context,
    named: &[ChannelLabel],
    all: bool,
    tree: Option<&ChannelLabel>,
) -> Result<Vec<ChannelLabel>> {
    if !all && tree.is_none() {
        return Ok(named.to_vec());
    }
    let channels: Vec<Channel> = context.client.get("/api/v1/channels").await?;
    // A child names the whole tree, as its base channel does.
    let base = tree.map(|named| {
        let channel = channels.iter().find(|channel| channel.label == *named);
        channel
            .and_then(|channel| channel.parent.clone())
            .unwrap_or_else(|| named.clone())
    });
    let is_meant = |channel: &Channel| match &base {
        Some(base) => channel.label == *base || channel.parent.as_ref() == Some(base),
        None => true,
    };
    Ok(channels
        .into_iter()
        .filter(|channel| !channel.upstreams.is_empty() && channel.deleted.is_none())
        .filter(is_meant)
        .map(|channel| channel.label)
        .collect())
}

/// `channel add` and `channel remove`.
pub async fn add(
    context: &Context,
    name: &str,
    items: Vec<String>,
    from: Option<String>,
    with_dependencies: bool,
    waiting: Waiting,
) -> Result {
    let wish = api::Edit {
        items,
        from: from.as_deref().map(label).transpose()?,
        with_dependencies,
    };
    let path = format!("/api/v1/channels/{}/add", label(name)?);
    edited(context, start(context, &path, &wish, waiting).await?)
}

/// `channel remove`.
pub async fn remove(context: &Context, name: &str, items: Vec<String>, waiting: Waiting) -> Result {
    let wish = api::Edit {
        items,
        ..api::Edit::default()
    };
    let path = format!("/api/v1/channels/{}/remove", label(name)?);
    edited(context, start(context, &path, &wish, waiting).await?)
}

/// `channel rollback`.
pub async fn rollback(
    context: &Context,
    name: &str,
    version: String,
    tree: bool,
    waiting: Waiting,
) -> Result {
    let path = format!("/api/v1/channels/{}/rollback", label(name)?);
    edited(
        context,
        start(context, &path, &api::Rollback { version, tree }, waiting).await?,
    )
}

/// `channel promote`.
pub async fn promote(
    context: &Context,
    source: String,
    destination: &str,
    tree: bool,
    waiting: Waiting,
) -> Result {
    label_at(&source)?;
    let path = format!("/api/v1/channels/{}/promote", label(destination)?);
    edited(
        context,
        start(
            context,
            &path,
            &api::Promote { from: source, tree },
            waiting,
        )
        .await?,
    )
}

/// `channel fetch`: exit 1 when a package cannot be had.
pub async fn fetch(context: &Context, channel: &str, waiting: Waiting) -> Result {
    let (label, version) = label_at(channel)?;
    let path = format!("/api/v1/channels/{label}/fetch");
    let wish = api::Fetch { version };
    let Some(outcome) = start::<api::FetchOutcome>(context, &path, &wish, waiting).await? else {
        return Ok(());
    };
    if context.json {
        show::json(&outcome)?;
    } else {
        for missing in &outcome.missing {
            eprintln!(
                "{label}: not had: {}: {}",
                show::plain(&missing.package),
                show::plain(&missing.reason)
            );
        }
        let missing = match outcome.missing.len() {
            0 => String::new(),
            count => format!(", {count} cannot be had"),
        };
        show::line(&format!(
            "{label}: {} packages brought here, {}{missing}",
            outcome.fetched,
            show::size(outcome.bytes)
        ))?;
    }
    if outcome.missing.is_empty() {
        Ok(())
    } else {
        Err(Fail::said())
    }
}

/// What an edit did: one outcome, or one a channel of the tree.
fn edited(context: &Context, result: Option<Value>) -> Result {
    let Some(result) = result else { return Ok(()) };
    if context.json {
        return show::json(&result);
    }
    let list = match result {
        Value::Array(list) => list,
        one => vec![one],
    };
    for outcome in &list {
        let number = |name: &str| outcome.get(name).and_then(Value::as_i64);
        let count = |name: &str| match outcome.get(name) {
            Some(Value::Array(list)) => list.len() as u64,
            Some(value) => value.as_u64().unwrap_or(0),
            None => 0,
        };
        let channel = outcome
            .get("channel")
            .and_then(Value::as_str)
            .unwrap_or_default();
        for warning in outcome
            .get("warnings")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            eprintln!(
                "{channel}: warning: {}",
                show::plain(warning.as_str().unwrap_or_default())
            );
        }
        let texts = |name: &str| {
            let list = outcome.get(name).and_then(Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(show::plain)
                .collect::<Vec<_>>()
        };
        for package in texts("pulled") {
            show::line(&format!("{channel}: {package} comes along"))?;
        }
        for requirement in texts("open") {
            eprintln!("{channel}: warning: {requirement}, which nothing there meets");
        }
        let errata = match (count("errata_added"), count("errata_removed")) {
            (0, 0) => String::new(),
            (added, removed) => format!(", +{added} -{removed} errata"),
        };
        let (from, to) = (number("from"), number("to"));
        if from == to && from.is_some() {
            show::line(&format!(
                "{channel}: unchanged, version {}",
                from.unwrap_or(0)
            ))?;
        } else {
            show::line(&format!(
                "{channel}: +{} -{} packages{errata}, {}",
                count("added"),
                count("removed"),
                show::outcome::step(from, to)
            ))?;
        }
    }
    Ok(())
}
