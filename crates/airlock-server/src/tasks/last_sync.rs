//! How the last sync of a channel ended: told by the tasks that are known.

use std::collections::HashMap;

use airlock_model::{Channel, ChannelLabel, LastSync, OrgId, SyncOutcome, TaskInfo, TaskState};

use crate::app::App;
use crate::problem::Failure;

/// Newest syncs looked at. What is older has most likely been seen.
const LOOKED_AT: u32 = 300;

/// Says of each channel how its last sync ended, as far as the newest tasks know.
///
/// # Errors
/// What the database said.
pub async fn tell(app: &App, org: OrgId, channels: &mut [Channel]) -> Result<(), Failure> {
    if channels.iter().all(|channel| channel.upstreams.is_empty()) {
        return Ok(());
    }
    let mut tasks = airlock_db::tasks::results_of_kind(app.db(), org, "sync", LOOKED_AT)
        .await
        .map_err(|error| Failure::internal(&error))?;
    tasks.extend(app.unwritten.list(org, None, None));
    let mut last = newest(tasks);
    for channel in channels {
        channel.last_sync = last
            .remove(&channel.label)
            // A label may have been another channel's.
            .filter(|sync| sync.at >= channel.created);
    }
    Ok(())
}

/// The newest outcome of each channel.
fn newest(mut tasks: Vec<TaskInfo>) -> HashMap<ChannelLabel, LastSync> {
    tasks.retain(|task| {
        task.kind == "sync" && matches!(task.state, TaskState::Done | TaskState::Failed)
    });
    tasks.sort_by_key(|task| (task.finished, task.id));
    let mut last = HashMap::new();
    for task in tasks {
        let outcomes: Vec<SyncOutcome> = task
            .result
            .and_then(|result| serde_json::from_value(result).ok())
            .unwrap_or_default();
        for outcome in outcomes {
            let held = outcome.held.map(|held| held.reason);
            let sync = LastSync {
                state: outcome.state,
                at: task.finished.unwrap_or(task.created),
                reason: held.or(outcome.error),
            };
            last.insert(outcome.channel, sync);
        }
    }
    last
}
