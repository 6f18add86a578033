use airlock_model::{Actor, Cause, ChannelLabel, ManualClock, OrgId, SystemClock};

use super::*;
use crate::tasks::{enqueue, find};

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_left_by_a_crash_holds_later_tasks_back_until_it_runs_out_only() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(airlock_model::Clock::now(&SystemClock)));
    let database = airlock_testkit::postgres::fresh_database();
    let app = App::assembled(folder.path(), &database, &clock).await;
    let job = Job::Sync {
        labels: vec![ChannelLabel::new("meadow-base").unwrap()],
        accept_shrink: false,
        together: false,
    };
    let actor = Actor::server(Cause::Request, "test");
    let first = enqueue(&app, &actor, None, &job).await.unwrap().id;
    let claim = next(&app, "crashed").await.unwrap().unwrap();
    assert_eq!(claim.task.id, first);
    let second = enqueue(&app, &actor, None, &job).await.unwrap().id;

    // The server crashes and starts again at once.
    clock.advance(1);
    begin(&app).await.unwrap();
    let state = async |id| find(&app, OrgId::DEFAULT, id).await.unwrap().state;
    assert_eq!(state(first).await, TaskState::Running);
    assert!(next(&app, "started").await.unwrap().is_none());

    clock.advance(LEASE_SECONDS);
    let claim = next(&app, "started").await.unwrap();
    assert_eq!(claim.map(|claim| claim.task.id), Some(second));
    assert_eq!(state(first).await, TaskState::Interrupted);
}
