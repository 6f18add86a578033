//! `airlock channel …`.

use std::io::{IsTerminal, Write};

use airlock_model::{Channel, ChannelLabel, DeletePreview, NewChannel, SyncState};
use http::Method;

use super::{Context, change, check, push, read, settings};
use crate::cli::channel::ChannelCommand;
use crate::client::encoded;
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::table::Table;

/// `airlock channel …`.
pub async fn run(context: &Context, command: ChannelCommand) -> Result {
    match command {
        ChannelCommand::Create { label, settings } => create(context, &label, &settings).await,
        ChannelCommand::Set { label, settings } => set(context, &label, &settings).await,
        ChannelCommand::List => list(context).await,
        ChannelCommand::Show { label } => show_one(context, &label).await,
        ChannelCommand::Packages { channel, name } => {
            read::packages(context, &channel, name.as_deref()).await
        }
        ChannelCommand::Errata { channel } => read::errata(context, &channel).await,
        ChannelCommand::Versions { label } => read::versions(context, &label).await,
        ChannelCommand::Diff {
            from,
            to,
            tree,
            format,
        } => read::diff(context, &from, to.as_deref(), tree, format).await,
        ChannelCommand::Sync(args) => change::sync(context, args).await,
        ChannelCommand::Push {
            label,
            files,
            waiting,
        } => push::run(context, &label, &files, waiting).await,
        ChannelCommand::Add {
            label,
            items,
            from,
            with_dependencies,
            waiting,
        } => change::add(context, &label, items, from, with_dependencies, waiting).await,
        ChannelCommand::Remove {
            label,
            items,
            waiting,
        } => change::remove(context, &label, items, waiting).await,
        ChannelCommand::Rollback {
            label,
            version,
            tree,
            waiting,
        } => change::rollback(context, &label, version, tree, waiting).await,
        ChannelCommand::Promote {
            source,
            destination,
            tree,
            waiting,
        } => change::promote(context, source, &destination, tree, waiting).await,
        ChannelCommand::Check {
            channel,
            with,
            baseline,
            waiting,
        } => check::run(context, &channel, with, baseline, waiting).await,
        ChannelCommand::Fetch { channel, waiting } => {
            change::fetch(context, &channel, waiting).await
        }
        ChannelCommand::Delete { label, yes } => delete(context, &label, yes).await,
        ChannelCommand::Undelete { label, deleted } => undelete(context, &label, deleted).await,
    }
}

/// A label as typed.
pub fn label(text: &str) -> Result<ChannelLabel> {
    ChannelLabel::new(text).map_err(|error| Fail::usage(error.to_string()))
}

/// `LABEL[@VERSION]` as typed, taken apart.
pub fn label_at(text: &str) -> Result<(ChannelLabel, Option<String>)> {
    let Some((name, version)) = text.split_once('@') else {
        return Ok((label(text)?, None));
    };
    let label = label(name)?;
    if version.is_empty() {
        // What was meant got lost, a variable of a script perhaps: the current version would be a guess.
        return Err(
            Fail::usage(format!("\"{text}\" names no version behind its @")).hint(format!(
                "{name}@7, {name}@2026-06-01, or {name} alone for the current version"
            )),
        );
    }
    Ok((label, Some(version.to_owned())))
}

async fn create(context: &Context, name: &str, given: &crate::cli::channel::Settings) -> Result {
    let new = NewChannel {
        label: label(name)?,
        settings: settings::patch(context, given, None).await?,
    };
    let channel: Channel = context
        .client
        .send(Method::POST, "/api/v1/channels", &new)
        .await?;
    if context.json {
        return show::json(&channel);
    }
    show::line(&format!("{}: created", channel.label))?;
    show::line(&if channel.upstreams.is_empty() {
        format!("next: airlock channel push {} FILE…", channel.label)
    } else {
        format!("next: airlock channel sync {}", channel.label)
    })
}

async fn set(context: &Context, name: &str, given: &crate::cli::channel::Settings) -> Result {
    let path = format!("/api/v1/channels/{}", label(name)?);
    let present: Channel = context.client.get(&path).await?;
    let patch = settings::patch(context, given, Some(&present)).await?;
    if patch == airlock_model::ChannelPatch::default() {
        return Err(
            Fail::usage("nothing to set").hint("airlock channel set --help lists the settings")
        );
    }
    let channel: Channel = context.client.send(Method::PATCH, &path, &patch).await?;
    if context.json {
        show::json(&channel)
    } else {
        show::line(&format!("{}: set", channel.label))
    }
}

async fn list(context: &Context) -> Result {
    let channels: Vec<Channel> = context.client.get("/api/v1/channels").await?;
    if context.json {
        return show::json(&channels);
    }
    if channels.is_empty() {
        return show::line("no channels yet: airlock channel create --help");
    }
    let mut table = Table::new(&[
        "~LABEL",
        "~NAME",
        "~PARENT",
        ">VERSION",
        ">PACKAGES",
        ">ERRATA",
        "STATE",
    ]);
    for channel in &channels {
        let dash = || "-".to_owned();
        table.row(vec![
            channel.label.to_string(),
            channel.name.clone(),
            channel
                .parent
                .as_ref()
                .map_or_else(dash, ToString::to_string),
            channel
                .current
                .map_or_else(dash, |number| number.to_string()),
            channel.packages.to_string(),
            channel.errata.to_string(),
            match (
                &channel.deleted,
                channel.last_sync.as_ref().map(|s| s.state),
            ) {
                (Some(_), _) => "deleted".to_owned(),
                (None, Some(SyncState::Failed)) => "sync failed".to_owned(),
                (None, Some(SyncState::Held)) => "sync held".to_owned(),
                _ => dash(),
            },
        ]);
    }
    show::print(&table.text())
}

async fn show_one(context: &Context, name: &str) -> Result {
    let channel: Channel = context
        .client
        .get(&format!("/api/v1/channels/{}", label(name)?))
        .await?;
    if context.json {
        return show::json(&channel);
    }
    show::print(&show::channel::text(&channel))
}

async fn delete(context: &Context, name: &str, yes: bool) -> Result {
    let path = format!("/api/v1/channels/{}", label(name)?);
    let preview: DeletePreview = context.client.get(&format!("{path}/deletion")).await?;
    // The server refuses what children or clones stand against, and names them.
    let is_free = preview.children.is_empty() && preview.clones.is_empty();
    if !context.json && is_free {
        let versions = match preview.versions {
            1 => "1 version".to_owned(),
            count => format!("{count} versions"),
        };
        let mut lines = vec![format!("{name}: {versions} would go")];
        lines.push(format!(
            "  it can be undone for {} days: airlock channel undelete {name}",
            preview.undo_days
        ));
        eprintln!("{}", lines.join("\n"));
    }
    if !yes && is_free {
        if !std::io::stdin().is_terminal() {
            return Err(Fail::usage("nobody is there to be asked")
                .hint(format!("airlock channel delete {name} --yes")));
        }
        eprint!("Delete {name}? Type its label: ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Fail::new(format!("cannot read the answer: {error}")))?;
        if answer.trim() != name {
            return Err(Fail::new("not deleted"));
        }
    }
    let gone: DeletePreview = context.client.bare(Method::DELETE, &path).await?;
    if context.json {
        show::json(&gone)
    } else {
        show::line(&format!("{name}: deleted"))
    }
}

async fn undelete(context: &Context, name: &str, deleted: Option<usize>) -> Result {
    let which = deleted.map_or_else(String::new, |number| format!("?deleted={number}"));
    let path = format!(
        "/api/v1/channels/{}/undelete{which}",
        encoded(label(name)?.as_str())
    );
    let channel: Channel = context.client.bare(Method::POST, &path).await?;
    if context.json {
        show::json(&channel)
    } else {
        show::line(&format!("{}: back", channel.label))
    }
}
