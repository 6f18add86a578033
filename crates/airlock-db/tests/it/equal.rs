//! SQLite and PostgreSQL give equal answers for one list of operations (invariant I16).

use std::fmt::Write as _;
use std::sync::Mutex;

use airlock_db::channels::{self, KeyWrite};
use airlock_db::tasks::{self, NewTask};
use airlock_db::versions::{self, NewVersionRow, PublicationRow};
use airlock_db::{audit, errata, package_files, principals, records};
use airlock_model::{ChannelId, Instant, OrgId, Role, TaskState, UpstreamId, VersionKind};
use proptest::prelude::*;
use roaring::RoaringTreemap;

use crate::both::{Place, actor, channel, label, on_both};

/// Mixed so that an order of texts by a language differs from one by bytes.
const NAMES: [&str; 4] = ["meadow-b", "meadow_a", "meadow.c", "meadowb"];

#[derive(Debug, Clone)]
enum Operation {
    Channel(usize),
    Delete(usize),
    Undelete(usize),
    Purge(i64),
    Keys(usize, u8),
    Version(usize, u64, u64),
    Pack(u64, bool),
    Forget(u64),
    Files(u32, u32),
    Erratum(u8, u8),
    Enqueue(u8, u8),
    Claim,
    Finish,
    Cancel,
    Interrupt,
    User(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let name = 0..NAMES.len();
    prop_oneof![
        4 => name.clone().prop_map(Channel),
        1 => name.clone().prop_map(Delete),
        1 => name.clone().prop_map(Undelete),
        1 => (0_i64..60).prop_map(Purge),
        1 => (name.clone(), 0_u8..4).prop_map(|(n, k)| Keys(n, k)),
        4 => (name.clone(), 0_u64..300, 1_u64..60).prop_map(|(n, s, l)| Version(n, s, l)),
        2 => (1_u64..20, any::<bool>()).prop_map(|(n, own)| Pack(n, own)),
        1 => (0_u64..60).prop_map(Forget),
        2 => (0_u32..50, 1_u32..20).prop_map(|(s, l)| Files(s, l)),
        2 => (0_u8..6, 0_u8..3).prop_map(|(a, d)| Erratum(a, d)),
        3 => (0_u8..6, 0_u8..3).prop_map(|(k, l)| Enqueue(k, l)),
        2 => Just(Claim),
        2 => Just(Finish),
        1 => Just(Cancel),
        1 => Just(Interrupt),
        1 => name.prop_map(User),
    ]
}

/// The living channel of a name.
async fn live(place: &Place, name: usize) -> Option<ChannelId> {
    channels::find_live(&place.db, &label(NAMES[name]))
        .await
        .unwrap()
        .map(|c| c.id)
}

async fn insert_version(
    place: &Place,
    name: usize,
    id: ChannelId,
    set: &RoaringTreemap,
    now: Instant,
) {
    let mut tx = place.db.begin().await.unwrap();
    let number = versions::next_number(&mut tx, &label(NAMES[name]))
        .await
        .unwrap();
    let operation = format!("operation-{}", now.0);
    let row = NewVersionRow {
        channel: id,
        org: OrgId::DEFAULT,
        number,
        instant: now,
        kind: VersionKind::Sync,
        note: "note",
        upstream_revision: Some("7"),
        principal: "server",
        cause: "schedule",
        request_id: "r",
        task: None,
        operation_id: &operation,
        plan_digest: None,
        content_digest: "digest",
        records: set,
        errata: &RoaringTreemap::new(),
        attachments: &[],
        added: set.len(),
        removed: 0,
    };
    versions::insert(&mut tx, &row).await.unwrap();
    let publication = PublicationRow {
        mode: "own".to_owned(),
        encoder: "e".to_owned(),
        repomd: vec![0, 255, 10],
        repomd_asc: None,
        files: "{}".to_owned(),
    };
    versions::insert_publication(&mut tx, OrgId::DEFAULT, id, number, &publication)
        .await
        .unwrap();
    versions::set_current(&mut tx, OrgId::DEFAULT, id, number, now, "server", "r")
        .await
        .unwrap();
    audit::append(
        &mut tx,
        &actor(),
        now,
        "sync",
        NAMES[name],
        &serde_json::json!({}),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Does an operation; returns what it answered.
async fn run(place: &Place, operation: &Operation, time: i64) -> String {
    let (db, now) = (&place.db, Instant(time));
    match *operation {
        Operation::Channel(name) => match live(place, name).await {
            Some(_) => "there".to_owned(),
            None => {
                channel(db, NAMES[name]).await;
                "made".to_owned()
            }
        },
        Operation::Delete(name) => {
            let Some(id) = live(place, name).await else {
                return String::new();
            };
            let mut tx = db.begin().await.unwrap();
            channels::mark_deleted(&mut tx, id, now).await.unwrap();
            tx.commit().await.unwrap();
            "deleted".to_owned()
        }
        Operation::Undelete(name) => {
            if live(place, name).await.is_some() {
                return String::new();
            }
            let mut tx = db.begin().await.unwrap();
            let label = label(NAMES[name]);
            let found = channels::deleted(&mut tx, OrgId::DEFAULT, &label, Instant(0))
                .await
                .unwrap()
                .first()
                .copied();
            if let Some(id) = found {
                channels::undelete(&mut tx, id, &label, None).await.unwrap();
            }
            tx.commit().await.unwrap();
            format!("{}", found.is_some())
        }
        Operation::Purge(before) => channels::purge_deleted(db, Instant(before))
            .await
            .unwrap()
            .to_string(),
        Operation::Keys(name, count) => {
            let Some(id) = live(place, name).await else {
                return String::new();
            };
            let keys: Vec<KeyWrite> = (0..count)
                .map(|n| KeyWrite {
                    fingerprint: format!("F{n}"),
                    armored: format!("key {n}"),
                })
                .collect();
            let mut tx = db.begin().await.unwrap();
            channels::replace_keys(&mut tx, OrgId::DEFAULT, id, &keys)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            format!("{:?}", channels::keys(db, id).await.unwrap())
        }
        Operation::Version(name, start, length) => {
            let Some(id) = live(place, name).await else {
                return String::new();
            };
            let set: RoaringTreemap = (start..start + length).collect();
            insert_version(place, name, id, &set, now).await;
            format!("{:?}", versions::number_at(db, id, now).await.unwrap())
        }
        Operation::Pack(count, own) => {
            let upstream = (!own).then_some(UpstreamId(1));
            let seed = time.unsigned_abs();
            crate::rows::pack(place, upstream, count, seed)
                .await
                .to_string()
        }
        Operation::Forget(seed) => {
            records::forget_packs(db, &[&*format!("pack-{seed}")])
                .await
                .unwrap();
            String::new()
        }
        Operation::Files(start, length) => {
            let files: Vec<package_files::SeenFile> = (start..start + length)
                .map(|n| package_files::SeenFile {
                    key: ("sha256".to_owned(), format!("sum-{n}")),
                    sha256: format!("blob-{n}-{time}"),
                    size: u64::from(n),
                })
                .collect();
            package_files::remember(db, OrgId::DEFAULT, &files, now)
                .await
                .unwrap();
            String::new()
        }
        Operation::Erratum(advisory, digest) => {
            let (advisory, digest) = (format!("A-{advisory}"), format!("d{digest}"));
            let list = [crate::rows::revision(&advisory, &digest)];
            let ids = errata::ensure_revisions(db, OrgId::DEFAULT, &list, now)
                .await
                .unwrap();
            format!("{ids:?}")
        }
        Operation::Enqueue(key, lock) => {
            let (key, lock) = (format!("k{key}"), format!("l{lock}"));
            let operation = format!("task-{time}");
            let new = NewTask {
                kind: "sync",
                subject: "s",
                payload: "{}",
                lock_key: &lock,
                operation_id: &operation,
                idempotency_key: Some(&key),
            };
            let mut tx = db.begin().await.unwrap();
            let id = tasks::enqueue(&mut tx, &actor(), &new, now).await.unwrap();
            tx.commit().await.unwrap();
            format!("{id:?}")
        }
        Operation::Claim => {
            let claimed = tasks::claim(db, "worker", now, 60, tasks::Barred::default())
                .await
                .unwrap();
            format!("{claimed:?}")
        }
        Operation::Finish => {
            let running = tasks::list(db, OrgId::DEFAULT, Some(TaskState::Running), None, 1)
                .await
                .unwrap();
            let Some(task) = running.first() else {
                return String::new();
            };
            // The first fence is right unless the task was taken away.
            let done = tasks::finish(db, task.id, 1, TaskState::Done, None, None, &[], now)
                .await
                .unwrap();
            done.to_string()
        }
        Operation::Cancel => {
            let newest = tasks::list(db, OrgId::DEFAULT, None, None, 1)
                .await
                .unwrap();
            let Some(task) = newest.first() else {
                return String::new();
            };
            let state = tasks::request_cancel(db, OrgId::DEFAULT, task.id, now)
                .await
                .unwrap();
            format!("{state:?}")
        }
        Operation::Interrupt => {
            let mut ended = tasks::interrupt_expired(db, Instant(i64::MAX), now)
                .await
                .unwrap();
            ended.sort();
            format!("{ended:?}")
        }
        Operation::User(name) => {
            let mut tx = db.begin().await.unwrap();
            let made = principals::create_user(
                &mut tx,
                OrgId::DEFAULT,
                NAMES[name],
                "hash",
                Role::Reader,
                now,
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            made.is_some().to_string()
        }
    }
}

/// Everything that the functions show. Ids of channels and users are left out: a refused insert uses one up on
/// PostgreSQL.
async fn dump(place: &Place) -> String {
    let db = &place.db;
    let mut text = String::new();
    for mut channel in channels::list(db, OrgId::DEFAULT).await.unwrap() {
        let id = channel.id;
        channel.id = ChannelId(0);
        writeln!(text, "{channel:?}").unwrap();
        for version in versions::list(db, id).await.unwrap() {
            let content = versions::content(db, id, version.number).await.unwrap();
            let publication = versions::publication(db, id, version.number).await.unwrap();
            writeln!(text, "{version:?} {content:?} {publication:?}").unwrap();
        }
        let first = versions::first_move(db, id).await.unwrap();
        let recent = versions::recent_current(db, id, 10).await.unwrap();
        writeln!(text, "{first:?} {recent:?}").unwrap();
    }
    writeln!(text, "{:?}", records::all_packs(db).await.unwrap()).unwrap();
    let grass = records::by_name(db, OrgId::DEFAULT, "grass").await.unwrap();
    writeln!(text, "{grass:?}").unwrap();
    let mut files = package_files::all(db).await.unwrap();
    files.sort();
    writeln!(text, "{files:?}").unwrap();
    let set: RoaringTreemap = (1..100).collect();
    writeln!(text, "{:?}", errata::load(db, &set).await.unwrap()).unwrap();
    for user in principals::users(db, OrgId::DEFAULT).await.unwrap() {
        writeln!(text, "{} {:?} {:?}", user.login, user.role, user.created).unwrap();
    }
    let tasks = tasks::list(db, OrgId::DEFAULT, None, None, 1_000)
        .await
        .unwrap();
    writeln!(text, "{tasks:?}").unwrap();
    let rows = audit::list(db, OrgId::DEFAULT, None, 1_000).await.unwrap();
    writeln!(text, "{rows:?}").unwrap();
    assert_eq!(audit::check(db, None).await.unwrap(), None);
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn both_databases_give_equal_answers(operations in proptest::collection::vec(operation(), 20..60)) {
        let answers = Mutex::new(Vec::new());
        on_both(|place| {
            let (answers, operations) = (&answers, &operations);
            async move {
                let mut given = Vec::new();
                for (time, operation) in (1..).zip(operations) {
                    given.push(format!("{operation:?}: {}", run(&place, operation, time).await));
                }
                given.push(dump(&place).await);
                answers.lock().unwrap().push(given);
            }
        });
        let answers = answers.into_inner().unwrap();
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}
