use airlock_db::tasks::{self, NewTask};
use airlock_model::{Instant, OrgId, TaskId, TaskState};

use crate::both::{Place, actor, on_both};

async fn queue(
    place: &Place,
    number: u32,
    lock_key: &str,
    idempotency_key: Option<&str>,
) -> TaskId {
    let mut tx = place.db.begin().await.unwrap();
    let operation = format!("operation-{number}");
    let task = NewTask {
        kind: "sync",
        subject: "meadow-base",
        payload: "{}",
        lock_key,
        operation_id: &operation,
        idempotency_key,
    };
    let id = tasks::enqueue(&mut tx, &actor(), &task, Instant(1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[test]
fn many_workers_never_hold_one_task_or_one_lock_key_together() {
    on_both(|place| async move {
        for number in 0..12 {
            queue(
                &place,
                number,
                if number % 2 == 0 { "channel:1" } else { "" },
                None,
            )
            .await;
        }
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..6 {
            let db = place.db.clone();
            workers.spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..4 {
                    if let Some(task) = tasks::claim(
                        &db,
                        &format!("worker-{worker}"),
                        Instant(10),
                        60,
                        tasks::Barred::default(),
                    )
                    .await
                    .unwrap()
                    {
                        mine.push(task.id);
                    }
                }
                mine
            });
        }
        let mut claimed: Vec<TaskId> = workers.join_all().await.into_iter().flatten().collect();
        claimed.sort();
        // Six tasks without a key and just one with it.
        assert_eq!(claimed.len(), 7, "{claimed:?}");
        claimed.dedup();
        assert_eq!(claimed.len(), 7);
    });
}

#[test]
fn a_worker_that_lost_its_lease_can_write_nothing() {
    on_both(|place| async move {
        let id = queue(&place, 1, "", None).await;
        let held = tasks::claim(&place.db, "old", Instant(10), 60, tasks::Barred::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            tasks::interrupt_expired(&place.db, Instant(i64::MAX), Instant(20))
                .await
                .unwrap(),
            [id]
        );
        assert_eq!(
            tasks::heartbeat(&place.db, id, held.fence, Instant(99))
                .await
                .unwrap(),
            (false, true)
        );
        assert!(
            !tasks::finish(
                &place.db,
                id,
                held.fence,
                TaskState::Done,
                None,
                None,
                &[],
                Instant(30)
            )
            .await
            .unwrap()
        );
        let info = tasks::find(&place.db, OrgId::DEFAULT, id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(info.state, TaskState::Interrupted);
    });
}

#[test]
fn the_same_request_twice_is_one_task() {
    on_both(|place| async move {
        let first = queue(&place, 1, "", Some("key")).await;
        assert_eq!(queue(&place, 2, "", Some("key")).await, first);
        assert_eq!(
            tasks::list(&place.db, OrgId::DEFAULT, None, None, 10)
                .await
                .unwrap()
                .len(),
            1
        );
    });
}

#[test]
fn a_waiting_task_is_cancelled_at_once_and_a_running_one_is_asked() {
    on_both(|place| async move {
        let waiting = queue(&place, 1, "", None).await;
        assert_eq!(
            tasks::request_cancel(&place.db, OrgId::DEFAULT, waiting, Instant(5))
                .await
                .unwrap(),
            Some(TaskState::Cancelled)
        );
        let running = queue(&place, 2, "", None).await;
        tasks::claim(&place.db, "w", Instant(10), 60, tasks::Barred::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            tasks::request_cancel(&place.db, OrgId::DEFAULT, running, Instant(5))
                .await
                .unwrap(),
            Some(TaskState::Running)
        );
        assert!(tasks::cancel_requested(&place.db, running).await.unwrap());
        assert_eq!(
            tasks::request_cancel(&place.db, OrgId(2), running, Instant(5))
                .await
                .unwrap(),
            None
        );
    });
}

#[test]
fn what_could_not_be_begun_is_passed_over_and_given_up() {
    on_both(|place| async move {
        let first = queue(&place, 1, "channel:1", None).await;
        let second = queue(&place, 2, "channel:2", None).await;
        let third = queue(&place, 3, "channel:3", None).await;
        let (keys, ended) = (["channel:2".to_owned()], [first]);
        let barred = tasks::Barred {
            keys: &keys,
            tasks: &ended,
        };
        let next = tasks::next(&place.db, barred).await.unwrap().unwrap();
        assert_eq!((next.id, next.fence), (third, 0), "second has a held key");
        let claimed = tasks::claim(&place.db, "w", Instant(10), 60, barred)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(claimed.id, third);
        for id in [first, third] {
            tasks::give_up(&place.db, id, "v", "the disk is full", Instant(11))
                .await
                .unwrap();
        }
        let found = async |id| {
            let task = tasks::find(&place.db, OrgId::DEFAULT, id).await.unwrap();
            let task = task.unwrap();
            (task.state, task.error)
        };
        let full = Some("the disk is full".to_owned());
        assert_eq!(found(first).await, (TaskState::Failed, full));
        assert_eq!(found(third).await, (TaskState::Running, None));
        tasks::give_up(&place.db, third, "w", "the disk is full", Instant(12))
            .await
            .unwrap();
        assert_eq!(found(third).await.0, TaskState::Failed, "its own claim");
        let next = tasks::next(&place.db, tasks::Barred::default()).await;
        assert_eq!(next.unwrap().map(|task| task.id), Some(second));
    });
}
