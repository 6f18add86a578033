use airlock_db::audit;
use airlock_model::{Instant, OrgId};

use crate::both::{actor, on_both};

#[test]
fn the_chain_is_whole_and_lists_newest_first() {
    on_both(|place| async move {
        for number in 0..5_i64 {
            let mut tx = place.db.begin().await.unwrap();
            audit::append(
                &mut tx,
                &actor(),
                Instant(number),
                "set",
                &format!("channel-{number}"),
                &serde_json::json!({ "n": number }),
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
        }
        assert!(audit::chain_is_whole(&place.db).await.unwrap());
        let rows = audit::list(&place.db, OrgId::DEFAULT, None, 2)
            .await
            .unwrap();
        assert_eq!(
            rows.iter().map(|r| r.object.as_str()).collect::<Vec<_>>(),
            ["channel-4", "channel-3"]
        );
        assert!(
            audit::list(&place.db, OrgId(2), None, 10)
                .await
                .unwrap()
                .is_empty()
        );
    });
}

async fn three_rows(place: &crate::both::Place) {
    for number in 0..3_i64 {
        let mut tx = place.db.begin().await.unwrap();
        let detail = serde_json::json!({ "n": number });
        audit::append(&mut tx, &actor(), Instant(number), "set", "thing", &detail)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert!(audit::chain_is_whole(&place.db).await.unwrap());
}

#[test]
fn a_changed_row_breaks_the_chain() {
    on_both(|place| async move {
        three_rows(&place).await;
        place
            .tamper("UPDATE audit SET principal = 'user:other' WHERE instant_us = 2")
            .await;
        assert!(!audit::chain_is_whole(&place.db).await.unwrap());
    });
}

#[test]
fn a_row_taken_out_breaks_the_chain() {
    on_both(|place| async move {
        three_rows(&place).await;
        place.tamper("DELETE FROM audit WHERE instant_us = 1").await;
        assert!(!audit::chain_is_whole(&place.db).await.unwrap());
    });
}
