//! What the server starts by itself: syncs that come due, upkeep once a day.

use std::sync::Arc;
use std::time::Duration;

use airlock_content::Schedule;
use airlock_model::{Actor, Cause, Instant};
use tokio::sync::watch;

use super::{GRACE_SECONDS, Job, enqueue, enqueue_scheduled};
use crate::app::App;
use crate::problem::RequestId;

const LOOK: Duration = Duration::from_secs(15);
const UPKEEP_SECONDS: i64 = 86_400;
const UPKEEP_SETTING: &str = "last_upkeep";

/// Starts syncs when they come due, until the server ends.
pub async fn keep_schedules(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = due(&app).await {
            tracing::error!(%error, "schedules cannot be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn due(app: &Arc<App>) -> Result<(), airlock_db::Error> {
    let now = app.now();
    for channel in airlock_db::channels::due(app.db(), now).await? {
        if app
            .unwritten
            .next_sync(&channel)
            .is_some_and(|next| next > now)
        {
            continue;
        }
        let next = channel.schedule.as_deref().and_then(|text| {
            Schedule::parse(text)
                .ok()?
                .next(now, &app.settings.zone)
                .ok()
        });
        // The next time is set first: a server that dies here misses one sync instead of starting it for ever. On an
        // own database it is written down with the sync's first change, and not at all when there is none.
        let later = next.filter(|_| app.db().is_exclusive() && !channel.upstreams.is_empty());
        match later {
            Some(next) => app.unwritten.set_next_sync(&channel, next),
            None => {
                let mut tx = app.db().begin().await?;
                airlock_db::channels::set_next_sync(&mut tx, channel.id, next).await?;
                tx.commit().await?;
            }
        }
        if channel.upstreams.is_empty() {
            continue;
        }
        let mut actor = Actor::server(Cause::Schedule, RequestId::new().0);
        actor.org = channel.org;
        let job = Job::Sync {
            labels: vec![channel.label.clone()],
            accept_shrink: false,
            together: false,
        };
        // Two replicas that see the same due channel start one task.
        let key = format!(
            "schedule/{}/{}",
            channel.id,
            channel.next_sync.map_or(0, |at| at.0)
        );
        let key = later.is_none().then_some(key.as_str());
        let next_sync = later.map(|next| (channel.id, Some(next)));
        if let Err(failure) = enqueue_scheduled(app, &actor, key, &job, next_sync).await {
            tracing::error!(channel = %channel.label, detail = failure.detail(), "a scheduled sync cannot be started");
        }
    }
    Ok(())
}

/// Starts garbage collection once a day, and keeps where the audit log ends, until the server ends.
pub async fn keep_up(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = upkeep(&app).await {
            tracing::error!(%error, "upkeep cannot be started");
        }
        if let Err(error) = app.content.keep_audit_head().await {
            tracing::error!(%error, "where the audit log ends cannot be written down");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(600)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn upkeep(app: &Arc<App>) -> Result<(), airlock_db::Error> {
    let now = app.now();
    let last = airlock_db::settings::get(app.db(), UPKEEP_SETTING)
        .await?
        .and_then(|text| text.parse().ok().map(Instant));
    let is_due = last.is_some_and(|last| last.plus_seconds(UPKEEP_SECONDS) <= now);
    if last.is_some() && !is_due {
        return Ok(());
    }
    let mut tx = app.db().begin().await?;
    airlock_db::settings::set(&mut tx, UPKEEP_SETTING, &now.0.to_string()).await?;
    tx.commit().await?;
    if is_due {
        let actor = Actor::server(Cause::Upkeep, RequestId::new().0);
        let key = format!("upkeep/{}", last.map_or(0, |at| at.0));
        if let Err(failure) = enqueue(
            app,
            &actor,
            Some(&key),
            &Job::Gc {
                grace_seconds: GRACE_SECONDS,
            },
        )
        .await
        {
            tracing::error!(
                detail = failure.detail(),
                "garbage collection cannot be started"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
