//! Records, packs, files and errata in mass, and what happens when two syncs bring the same ones.

use std::collections::HashSet;

use airlock_db::channels::{self, UpstreamWrite};
use airlock_db::errata::{self, NewRevision};
use airlock_db::package_files::{self, FileKey, SeenFile};
use airlock_db::records::{self, NewPackRow, RecordRow};
use airlock_model::{Instant, OrgId, UpstreamId, UpstreamSettings};
use roaring::RoaringTreemap;

use crate::both::{Place, channel, on_both};

pub async fn pack(place: &Place, upstream: Option<UpstreamId>, count: u64, seed: u64) -> u64 {
    let mut tx = place.db.begin().await.unwrap();
    let first = records::reserve(&mut tx, usize::try_from(count).unwrap())
        .await
        .unwrap();
    let sha256 = format!("pack-{seed}");
    let row = NewPackRow {
        org: OrgId::DEFAULT,
        upstream,
        first_record: first,
        records: count,
        sha256: &sha256,
        size: 1,
        created: Instant(1),
    };
    records::insert_pack(&mut tx, &row).await.unwrap();
    let texts: Vec<(String, String)> = (0..count)
        .map(|n| (format!("sum-{seed}-{n}"), format!("grass-{n}.rpm")))
        .collect();
    let rows: Vec<RecordRow<'_>> = (first..)
        .zip(&texts)
        .map(|(id, (checksum, file_name))| RecordRow {
            id,
            org: OrgId::DEFAULT,
            upstream,
            checksum_type: "sha256",
            checksum,
            name: "grass",
            epoch: 1,
            version: "2",
            release: "3",
            arch: "noarch",
            size: 5,
            file_name,
            href: None,
            build_time: 0,
        })
        .collect();
    records::insert_records(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    first
}

#[test]
fn packs_are_found_by_the_records_they_hold() {
    on_both(|place| async move {
        // More rows than one statement takes.
        let own = pack(&place, None, 1_201, 1).await;
        let other = pack(&place, Some(UpstreamId(7)), 10, 2).await;
        assert_eq!((own, other), (1, 1_202));
        let covering = async |ids: &[u64]| {
            let set: RoaringTreemap = ids.iter().copied().collect();
            records::packs_covering(&place.db, &set)
                .await
                .unwrap()
                .into_iter()
                .map(|p| p.first_record)
                .collect::<Vec<_>>()
        };
        assert!(covering(&[]).await.is_empty());
        assert_eq!(covering(&[1_201]).await, [1]);
        assert_eq!(covering(&[1_202]).await, [1_202]);
        assert_eq!(covering(&[1, 1_211]).await, [1, 1_202]);
        assert!(covering(&[1_212]).await.is_empty());
        let mut tx = place.db.begin().await.unwrap();
        let all: RoaringTreemap = (1..=1_211).collect();
        assert!(records::all_exist(&mut tx, &all).await.unwrap());
        let more: RoaringTreemap = (1..=1_212).collect();
        assert!(!records::all_exist(&mut tx, &more).await.unwrap());
        drop(tx);
        let keys = (0..1_201).map(|n| ("sha256".to_owned(), format!("sum-1-{n}")));
        let foreign = ("sha256".to_owned(), "sum-2-0".to_owned());
        let found = records::own_by_checksum(&place.db, OrgId::DEFAULT, keys.chain([foreign]))
            .await
            .unwrap();
        assert_eq!(found.len(), 1_201);
        let grass = records::by_file_name(&place.db, OrgId::DEFAULT, "grass-3.rpm")
            .await
            .unwrap();
        assert_eq!(grass.iter().map(|r| r.id).collect::<Vec<_>>(), [4, 1_205]);
        assert_eq!(grass[0].nevra(), "grass-1:2-3.noarch");
        records::forget_packs(&place.db, &["pack-1", "unknown"])
            .await
            .unwrap();
        assert_eq!(records::all_packs(&place.db).await.unwrap().len(), 1);
        let rest = records::by_name(&place.db, OrgId::DEFAULT, "grass")
            .await
            .unwrap();
        assert_eq!(rest.len(), 10);
    });
}

fn seen(numbers: impl Iterator<Item = u32>) -> Vec<SeenFile> {
    numbers
        .map(|n| SeenFile {
            key: ("sha256".to_owned(), format!("{n:05}")),
            sha256: format!("blob-{n}"),
            size: 1,
        })
        .collect()
}

/// Without one order of rows, PostgreSQL ends one of the syncs with a deadlock.
#[test]
fn syncs_that_bring_the_same_files_and_errata_in_other_orders_both_end_well() {
    on_both(|place| async move {
        let mut syncs = tokio::task::JoinSet::new();
        for sync in 0..4 {
            let db = place.db.clone();
            syncs.spawn(async move {
                for _ in 0..3 {
                    let mut files = seen(0..1_500);
                    let mut names: Vec<String> = (0..60).map(|n| format!("A-{n}")).collect();
                    if sync % 2 == 0 {
                        files.reverse();
                        names.reverse();
                    }
                    package_files::remember(&db, OrgId::DEFAULT, &files, Instant(1))
                        .await
                        .unwrap();
                    let list: Vec<NewRevision<'_>> =
                        names.iter().map(|n| revision(n, "d")).collect();
                    errata::ensure_revisions(&db, OrgId::DEFAULT, &list, Instant(1))
                        .await
                        .unwrap();
                }
            });
        }
        syncs.join_all().await;
        let held = package_files::all(&place.db).await.unwrap();
        assert_eq!(held.len(), 1_500);
        package_files::forget(&place.db, &["blob-3", "blob-4"])
            .await
            .unwrap();
        let asked: HashSet<FileKey> = seen(2..6).into_iter().map(|f| f.key).collect();
        let found = package_files::lookup(&place.db, OrgId::DEFAULT, asked.into_iter())
            .await
            .unwrap();
        let mut blobs: Vec<&str> = found.values().map(String::as_str).collect();
        blobs.sort_unstable();
        assert_eq!(blobs, ["blob-2", "blob-5"]);
    });
}

pub fn revision<'a>(advisory: &'a str, digest: &'a str) -> NewRevision<'a> {
    NewRevision {
        advisory,
        digest,
        kind: "security",
        severity: "",
        title: "title",
        issued_us: None,
        updated_us: Some(5),
        cves: &[],
        packages: &[],
        fragment: b"<update/>",
    }
}

#[test]
fn a_revision_is_stored_once_and_named_in_the_order_asked() {
    on_both(|place| async move {
        let ensure = async |list: &[NewRevision<'_>]| {
            errata::ensure_revisions(&place.db, OrgId::DEFAULT, list, Instant(1))
                .await
                .unwrap()
        };
        let (b, a) = (revision("B", "1"), revision("A", "1"));
        let ids = ensure(&[b, a, b]).await;
        assert_eq!(ids.len(), 3);
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        let more = ensure(&[a, revision("A", "2")]).await;
        assert_eq!(more[0], ids[1]);
        let of_a = errata::revisions_of(&place.db, OrgId::DEFAULT, "A")
            .await
            .unwrap();
        assert_eq!(of_a, [ids[1].0.unsigned_abs(), more[1].0.unsigned_abs()]);
        let set: RoaringTreemap = of_a.into_iter().collect();
        assert_eq!(errata::fragments(&place.db, &set).await.unwrap().len(), 2);
        assert_eq!(errata::load(&place.db, &set).await.unwrap().len(), 2);
    });
}

#[test]
fn a_date_that_nobody_can_write_down_is_read_as_none() {
    on_both(|place| async move {
        let list = [NewRevision {
            issued_us: Some(i64::MAX),
            updated_us: Some(253_402_207_200_000_000),
            ..revision("A", "1")
        }];
        let ids = errata::ensure_revisions(&place.db, OrgId::DEFAULT, &list, Instant(1))
            .await
            .unwrap();
        let set: RoaringTreemap = ids.iter().map(|id| id.0.unsigned_abs()).collect();
        let row = errata::load(&place.db, &set).await.unwrap().remove(0);
        let last = "9999-12-30T22:00:00Z".parse().ok();
        assert_eq!((row.issued, row.updated), (None, last));
        let revision = airlock_db::errata_clones::revisions(&place.db, &set)
            .await
            .unwrap()
            .remove(0);
        assert_eq!((revision.issued, revision.updated), (None, last));
    });
}

#[test]
fn an_upstream_keeps_its_id_and_masked_secrets_and_shows_none() {
    on_both(|place| async move {
        let id = channel(&place.db, "meadow-base").await;
        let replace = async |list: &[(&str, Option<&str>)]| {
            let list: Vec<UpstreamWrite> = list
                .iter()
                .map(|(url, password)| UpstreamWrite {
                    url: (*url).to_owned(),
                    settings: UpstreamSettings {
                        password: password.map(str::to_owned),
                        ..UpstreamSettings::default()
                    },
                })
                .collect();
            let mut tx = place.db.begin().await.unwrap();
            channels::replace_upstreams(&mut tx, OrgId::DEFAULT, id, &list)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let found = channels::find_by_id(&place.db, id).await.unwrap().unwrap();
            found.upstreams
        };
        let first = replace(&[("http://a/", Some("planted-secret")), ("http://b/", None)]).await;
        assert_eq!(first[0].settings.password.as_deref(), Some("***"));
        let second = replace(&[("http://c/", None), ("http://a/", Some("***"))]).await;
        assert_eq!(second[1].id, first[0].id);
        assert!(second[0].id != first[1].id);
        let full = channels::upstream_with_secrets(&place.db, second[1].id)
            .await
            .unwrap();
        assert_eq!(
            full.unwrap().settings.password.as_deref(),
            Some("planted-secret")
        );
    });
}
