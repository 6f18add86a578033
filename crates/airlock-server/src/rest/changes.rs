//! What changes content: each answers 202 with a task.

use std::sync::Arc;

use airlock_model::{ErrorKind, TaskInfo};
use axum::extract::{Path, State};
use http::HeaderMap;

use super::body::{Accepted, Body, label, label_at, selector, start};
use crate::api;
use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::Job;

/// Brings upstreams' present state here.
#[utoipa::path(post, path = "/api/v1/sync", tag = "changes", request_body = api::Sync,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn sync(
    State(app): State<Arc<App>>,
    who: As,
    headers: HeaderMap,
    Body(wish): Body<api::Sync>,
) -> Result<Accepted, Failure> {
    let org = who.0.org;
    let ways = usize::from(!wish.channels.is_empty())
        + usize::from(wish.all)
        + usize::from(wish.tree.is_some());
    if ways != 1 {
        return Err(
            Failure::invalid("say which channels: by name, all, or a tree")
                .hint("exactly one of channels, all and tree"),
        );
    }
    let mut labels = wish.channels;
    // Of several, an unknown one has an outcome of its own and does not stop the others.
    if let [label] = labels.as_slice() {
        app.content.channel(org, label).await?;
    }
    let together = wish.tree.is_some();
    if wish.all {
        let channels = app.content.channels(org).await?;
        labels = channels
            .into_iter()
            .filter(|channel| !channel.upstreams.is_empty())
            .map(|channel| channel.label)
            .collect();
    }
    if let Some(base) = &wish.tree {
        for label in app.content.tree(org, base).await? {
            if !app.content.channel(org, &label).await?.upstreams.is_empty() {
                labels.push(label);
            }
        }
    }
    if labels.is_empty() {
        return Err(
            Failure::new(ErrorKind::Conflict, "no channel has an upstream")
                .hint("airlock channel set LABEL --upstream URL"),
        );
    }
    labels.dedup();
    start(
        &app,
        &who,
        &headers,
        Job::Sync {
            labels,
            accept_shrink: wish.accept_shrink,
            together,
        },
    )
    .await
}

/// Adds packages and errata that the server knows.
#[utoipa::path(post, path = "/api/v1/channels/{label}/add", tag = "changes", params(("label" = String, Path)), request_body = api::Edit,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn add(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Edit>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    some(&wish.items)?;
    start(
        &app,
        &who,
        &headers,
        Job::Add {
            label,
            items: wish.items,
            from: wish.from,
            with_dependencies: wish.with_dependencies,
        },
    )
    .await
}

/// Removes packages and errata.
#[utoipa::path(post, path = "/api/v1/channels/{label}/remove", tag = "changes", params(("label" = String, Path)), request_body = api::Edit,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Edit>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    some(&wish.items)?;
    if wish.from.is_some() || wish.with_dependencies {
        return Err(Failure::invalid("from and with_dependencies belong to add"));
    }
    start(
        &app,
        &who,
        &headers,
        Job::Remove {
            label,
            items: wish.items,
        },
    )
    .await
}

fn some(items: &[String]) -> Result<(), Failure> {
    if items.is_empty() || items.len() > 10_000 {
        Err(Failure::invalid(
            "items has to hold 1 to 10000 NEVRAs and advisory names",
        ))
    } else {
        Ok(())
    }
}

/// Makes the content of an older version current again.
#[utoipa::path(post, path = "/api/v1/channels/{label}/rollback", tag = "changes", params(("label" = String, Path)), request_body = api::Rollback,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn rollback(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Rollback>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    let meant = selector(&app, Some(&wish.version))?;
    if meant.is_unfinished_day(app.content.now()) {
        return Err(
            Failure::invalid(format!("{} is not over", wish.version)).hint(
                "what is current now would stay; give a version's number, an instant, or a day that is over",
            ),
        );
    }
    start(
        &app,
        &who,
        &headers,
        Job::Rollback {
            label,
            version: wish.version,
            tree: wish.tree,
        },
    )
    .await
}

/// Makes the channel exactly what another one holds.
#[utoipa::path(post, path = "/api/v1/channels/{label}/promote", tag = "changes", params(("label" = String, Path)), request_body = api::Promote,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn promote(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Promote>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    let (source, _) = label_at(&app, &wish.from)?;
    app.content.channel(who.0.org, &source).await?;
    let version = wish
        .from
        .split_once('@')
        .map(|(_, version)| version.to_owned());
    start(
        &app,
        &who,
        &headers,
        Job::Promote {
            source,
            version,
            label,
            tree: wish.tree,
        },
    )
    .await
}

/// Brings every package file of a version here.
#[utoipa::path(post, path = "/api/v1/channels/{label}/fetch", tag = "changes", params(("label" = String, Path)), request_body = api::Fetch,
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn fetch(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<api::Fetch>,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    selector(&app, wish.version.as_deref())?;
    start(
        &app,
        &who,
        &headers,
        Job::Fetch {
            label,
            version: wish.version,
        },
    )
    .await
}
