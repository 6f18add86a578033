use std::path::Path;

use airlock_model::{
    ChannelLabel, ChannelPatch, ManualClock, NewChannel, NewUpstream, OrgId, Role, SystemClock,
    TaskInfo, TaskState,
};
use airlock_testkit::states::Distribution;

use super::*;
use crate::tasks::work;

async fn app(folder: &Path, clock: &Arc<ManualClock>) -> Arc<App> {
    let file = folder.join("airlock.db");
    App::assembled(folder, file.to_str().unwrap(), clock).await
}

/// Every task, once none waits or runs.
async fn all_over(app: &App) -> Vec<TaskInfo> {
    loop {
        let end = app.board.some_end();
        tokio::pin!(end);
        end.as_mut().enable();
        let mut tasks = app.unwritten.list(OrgId::DEFAULT, None, None);
        tasks.extend(
            airlock_db::tasks::list(app.db(), OrgId::DEFAULT, None, None, 100)
                .await
                .unwrap(),
        );
        if tasks.iter().all(|task| task.state.is_over()) && app.board.running() == 0 {
            return tasks;
        }
        end.await;
    }
}

fn bytes(folder: &Path) -> [Vec<u8>; 2] {
    ["airlock.db", "airlock.db-wal"].map(|name| std::fs::read(folder.join(name)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_sync_that_finds_nothing_new_writes_nothing_and_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut upstream = Distribution::at(folder.path().join("upstream"));
    let clock = Arc::new(ManualClock::new(airlock_model::Clock::now(&SystemClock)));
    let app = app(&data, &clock).await;
    let label = ChannelLabel::new("el9-base").unwrap();
    let actor = Actor {
        org: OrgId::DEFAULT,
        principal: "local:0".to_owned(),
        role: Role::Administrator,
        request_id: "test".to_owned(),
        cause: Cause::Request,
    };
    let settings = ChannelPatch {
        schedule: Some("hourly".to_owned()),
        upstreams: Some(vec![NewUpstream {
            url: upstream.url(),
            ..NewUpstream::default()
        }]),
        ..ChannelPatch::default()
    };
    let new = NewChannel {
        label: label.clone(),
        settings,
    };
    app.content.create_channel(&actor, new).await.unwrap();
    let (stop, stopping) = watch::channel(false);
    let worker = tokio::spawn(work(Arc::clone(&app), stopping));
    app.unwritten.begin(app.db()).await.unwrap();

    due(&app).await.unwrap();
    assert_eq!(all_over(&app).await.len(), 0, "nothing is due yet");
    let row = async || app.content.channel(OrgId::DEFAULT, &label).await.unwrap();
    clock.advance(3600);
    due(&app).await.unwrap();
    let tasks = all_over(&app).await;
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    assert_eq!(row().await.current, Some(1), "{tasks:?}");
    assert!(row().await.next_sync > Some(app.now()), "written down");

    let mut before = bytes(&data);
    for hour in 1..=2 {
        clock.advance(3600);
        due(&app).await.unwrap();
        // Nothing is due twice.
        due(&app).await.unwrap();
        let tasks = all_over(&app).await;
        assert_eq!(tasks.len(), 1 + hour, "{tasks:?}");
        assert!(tasks.iter().all(|task| task.state == TaskState::Done));
        assert!(before == bytes(&data), "hour {hour}");
        let channel = row().await;
        assert!(channel.next_sync < Some(app.now()), "as it was");
        assert!(app.unwritten.next_sync(&channel) > Some(app.now()));
    }
    // A schedule set anew counts, whatever was remembered.
    let patch = ChannelPatch {
        schedule: Some("*/10 * * * *".to_owned()),
        ..ChannelPatch::default()
    };
    app.content
        .set_channel(&actor, &label, patch)
        .await
        .unwrap();
    let channel = row().await;
    assert_eq!(app.unwritten.next_sync(&channel), channel.next_sync);
    before = bytes(&data);
    clock.advance(600);
    due(&app).await.unwrap();
    assert_eq!(all_over(&app).await.len(), 4);
    assert!(before == bytes(&data));

    upstream.next_day();
    clock.advance(600);
    due(&app).await.unwrap();
    all_over(&app).await;
    assert_eq!(row().await.current, Some(2));
    assert!(row().await.next_sync > Some(app.now()), "written down");
    stop.send(true).unwrap();
    worker.await.unwrap();
}
