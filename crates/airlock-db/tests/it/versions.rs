use airlock_db::versions::{self, NewVersionRow};
use airlock_db::{Db, records};
use airlock_model::{ChannelId, Instant, OrgId, VersionKind};
use proptest::prelude::*;
use roaring::RoaringTreemap;

use crate::both::{channel, label, on_both};

async fn insert(
    db: &Db,
    channel: ChannelId,
    name: &str,
    records: &RoaringTreemap,
    errata: &RoaringTreemap,
) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let number = versions::next_number(&mut tx, &label(name)).await.unwrap();
    let operation = format!("operation-{name}-{number}");
    let row = NewVersionRow {
        channel,
        org: OrgId::DEFAULT,
        number,
        instant: Instant(number * 10),
        kind: VersionKind::Sync,
        note: "",
        upstream_revision: None,
        principal: "server",
        cause: "request",
        request_id: "",
        task: None,
        operation_id: &operation,
        plan_digest: None,
        content_digest: "digest",
        records,
        errata,
        attachments: &[],
        added: 0,
        removed: 0,
    };
    versions::insert(&mut tx, &row).await.unwrap();
    versions::set_current(
        &mut tx,
        OrgId::DEFAULT,
        channel,
        number,
        Instant(number * 10),
        "server",
        "",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    number
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Sets stored as differences come back exactly, over many whole versions.
    #[test]
    fn content_of_every_version_comes_back(
        edits in proptest::collection::vec((0_u64..5_000, 1_u64..200, any::<bool>(), any::<u16>()), 60..130)
    ) {
        on_both(|place| {
            let edits = edits.clone();
            async move {
                let id = channel(&place.db, "meadow-base").await;
                let (mut records, mut errata) = (RoaringTreemap::new(), RoaringTreemap::new());
                let mut model = Vec::new();
                for (start, length, add, erratum) in edits {
                    if add {
                        records.insert_range(start..start + length);
                        errata.insert(erratum.into());
                    } else {
                        records.remove_range(start..start + length);
                        errata.remove(erratum.into());
                    }
                    let number = insert(&place.db, id, "meadow-base", &records, &errata).await;
                    model.push((number, records.clone(), errata.clone()));
                }
                for (number, records, errata) in model {
                    let row = versions::content(&place.db, id, number).await.unwrap().unwrap();
                    assert_eq!((row.records, row.errata), (records, errata), "version {number}");
                }
            }
        });
    }
}

#[test]
fn numbers_and_instants_are_found_as_asked() {
    on_both(|place| async move {
        let id = channel(&place.db, "meadow-base").await;
        let none = RoaringTreemap::new();
        for _ in 0..3 {
            insert(&place.db, id, "meadow-base", &none, &none).await;
        }
        let at = async |instant: i64| {
            versions::number_at(&place.db, id, Instant(instant))
                .await
                .unwrap()
        };
        assert_eq!(
            (
                at(9).await,
                at(10).await,
                at(19).await,
                at(30).await,
                at(1_000).await
            ),
            (None, Some(1), Some(1), Some(3), Some(3))
        );
        assert_eq!(
            versions::nearest_number(&place.db, id, 9).await.unwrap(),
            Some((3, Instant(30)))
        );
        assert_eq!(
            versions::first_move(&place.db, id).await.unwrap(),
            Some((1, Instant(10)))
        );
        assert_eq!(
            versions::by_operation(&place.db, id, "operation-meadow-base-2")
                .await
                .unwrap(),
            Some(2)
        );
        assert_eq!(
            versions::recent_current(&place.db, id, 2).await.unwrap(),
            [(3, Instant(30)), (2, Instant(20))]
        );
    });
}

#[test]
fn a_dropped_change_leaves_nothing() {
    on_both(|place| async move {
        let mut tx = place.db.begin().await.unwrap();
        assert_eq!(records::reserve(&mut tx, 10).await.unwrap(), 1);
        drop(tx);
        let mut tx = place.db.begin().await.unwrap();
        assert_eq!(records::reserve(&mut tx, 5).await.unwrap(), 1);
        assert_eq!(records::reserve(&mut tx, 5).await.unwrap(), 6);
        tx.commit().await.unwrap();
    });
}

#[test]
fn a_living_label_is_taken_and_a_deleted_one_free() {
    on_both(|place| async move {
        let id = channel(&place.db, "meadow-base").await;
        let found = airlock_db::channels::find_live(&place.db, &label("meadow-base"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.id, id);
        let mut tx = place.db.begin().await.unwrap();
        airlock_db::channels::mark_deleted(&mut tx, id, Instant(5))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(
            airlock_db::channels::find_live(&place.db, &label("meadow-base"))
                .await
                .unwrap()
                .is_none()
        );
        assert_ne!(channel(&place.db, "meadow-base").await, id);
    });
}
