//! Garbage collection beside other work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airlock_content::{SyncOptions, TaskContext};
use airlock_model::{
    ChannelPatch, Clock as _, Progress, Reporter, SyncState, SystemClock, TaskState,
};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{World, label, on_both};

/// Syncs a channel at the moment when the collection has listed what it will remove.
struct SyncsBeside {
    world: Arc<World>,
    done: AtomicBool,
}

impl Reporter for SyncsBeside {
    fn report(&self, progress: Progress) {
        if progress.stage != "collecting garbage: removing"
            || self.done.swap(true, Ordering::SeqCst)
        {
            return;
        }
        let world = Arc::clone(&self.world);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let context = world.context();
                let outcome = world
                    .content
                    .sync(&context, &[label("second-channel")], SyncOptions::default())
                    .await
                    .unwrap();
                assert_eq!(outcome[0].state, SyncState::Published, "{outcome:?}");
            });
        });
    }

    fn note(&self, _line: String) {}
}

#[test]
fn a_version_committed_while_garbage_is_collected_stays_whole() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        let url = upstream.url();
        for name in ["first-channel", "second-channel"] {
            world
                .create(name, Some(&url), ChannelPatch::default())
                .await;
        }
        world.sync("first-channel").await;
        world
            .content
            .delete_channel(&world.actor(), &label("first-channel"))
            .await
            .unwrap();
        // Eight days later the channel is purged, and its own packs and files belong to nobody; the second channel
        // takes up the same packages just then.
        let days = 8 * 86_400;
        world.clock.set(SystemClock.now().plus_seconds(days));
        let world = Arc::new(world);
        let reporter = Arc::new(SyncsBeside {
            world: Arc::clone(&world),
            done: AtomicBool::new(false),
        });
        let context = TaskContext {
            reporter: reporter.clone(),
            ..world.context()
        };
        let report = world.content.gc(&context, days).await.unwrap();
        assert!(reporter.done.load(Ordering::SeqCst), "{report:?}");
        world.walk("second-channel").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn what_a_running_task_stored_is_not_garbage_however_long_it_runs() {
    on_both(|world| async move {
        let started = SystemClock.now().plus_seconds(-60);
        let mut tx = world.content.db().begin().await.unwrap();
        let task = airlock_db::tasks::NewTask {
            kind: "sync",
            subject: "meadow-base",
            payload: "{}",
            operation_id: "an-operation",
            idempotency_key: None,
            lock_key: "channel",
        };
        airlock_db::tasks::enqueue(&mut tx, &world.actor(), &task, started)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let claimed = airlock_db::tasks::claim(
            world.content.db(),
            "a test",
            started,
            60,
            airlock_db::tasks::Barred::default(),
        )
        .await
        .unwrap()
        .unwrap();
        let mut writer = world.content.blobs().writer().unwrap();
        std::io::Write::write_all(&mut writer, b"a part of a long sync").unwrap();
        let stored = writer.finish(None).unwrap();
        world.clock.set(SystemClock.now().plus_seconds(10 * 86_400));
        let report = world.content.gc(&world.context(), 0).await.unwrap();
        assert_eq!((report.blobs, report.in_grace), (0, 1), "{report:?}");

        airlock_db::tasks::finish(
            world.content.db(),
            claimed.id,
            claimed.fence,
            TaskState::Failed,
            None,
            None,
            &[],
            world.content.now(),
        )
        .await
        .unwrap();
        let report = world.content.gc(&world.context(), 0).await.unwrap();
        assert_eq!((report.blobs, report.in_grace), (1, 0), "{report:?}");
        assert!(!world.content.blobs().exists(&stored.sha256).unwrap());
    });
}

#[test]
fn metadata_that_can_be_made_again_goes_after_minutes_and_everything_else_after_a_day() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        let mut walks = Vec::new();
        for number in 1..=5 {
            upstream.add(&Rpm::new("oak", &number.to_string(), "1"));
            upstream.publish();
            world.take("meadow-base").await;
            walks.push(world.walk("meadow-base").await);
        }
        let mut writer = world.content.blobs().writer().unwrap();
        std::io::Write::write_all(&mut writer, b"nobody's").unwrap();
        let nobodys = writer.finish(None).unwrap().sha256;
        // As the daily collection asks for it.
        let collect = async |minutes: i64| {
            world
                .clock
                .set(SystemClock.now().plus_seconds(minutes * 60));
            world.content.gc(&world.context(), 86_400).await.unwrap()
        };
        assert_eq!(collect(5).await.blobs, 0);
        // Primary, filelists and other of the two oldest versions.
        let report = collect(11).await;
        assert_eq!(report.blobs, 6, "{report:?}");
        assert!(world.content.blobs().exists(&nobodys).unwrap());
        for (number, files) in (1..).zip(&walks) {
            assert_eq!(
                &world.walk(&format!("meadow-base@{number}")).await,
                files,
                "{number}"
            );
        }
        // What was asked for again is young again.
        assert_eq!(collect(5).await.blobs, 0);
        world.fsck_is_clean().await;
    });
}
