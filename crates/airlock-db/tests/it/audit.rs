use airlock_db::audit::{self, AuditFault};
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
        assert_eq!(audit::check(&place.db, None).await.unwrap(), None);
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
    assert_eq!(audit::check(&place.db, None).await.unwrap(), None);
}

#[test]
fn a_changed_row_breaks_the_chain() {
    on_both(|place| async move {
        three_rows(&place).await;
        place.unguard_audit().await;
        place
            .tamper("UPDATE audit SET principal = 'user:other' WHERE instant_us = 2")
            .await;
        assert!(matches!(
            audit::check(&place.db, None).await.unwrap(),
            Some(AuditFault::Broken { .. })
        ));
    });
}

#[test]
fn a_row_taken_out_breaks_the_chain() {
    on_both(|place| async move {
        three_rows(&place).await;
        place.unguard_audit().await;
        place.tamper("DELETE FROM audit WHERE instant_us = 1").await;
        assert!(matches!(
            audit::check(&place.db, None).await.unwrap(),
            Some(AuditFault::Broken { .. })
        ));
    });
}

#[test]
fn rows_cut_off_the_end_are_missed() {
    on_both(|place| async move {
        three_rows(&place).await;
        let kept = audit::head(&place.db).await.unwrap().unwrap();
        assert_eq!(kept.to_string().parse::<audit::AuditHead>().unwrap(), kept);
        place.unguard_audit().await;
        place.tamper("DELETE FROM audit WHERE instant_us = 2").await;
        let cut = Some(AuditFault::Cut { missing: kept.id });
        assert_eq!(audit::check(&place.db, None).await.unwrap(), cut);
        // Who can cut the log can make the database forget where it ended; the copy kept elsewhere knows.
        place
            .tamper("DELETE FROM server_setting WHERE name = 'audit_head'")
            .await;
        assert_eq!(audit::check(&place.db, None).await.unwrap(), None);
        assert_eq!(audit::check(&place.db, Some(&kept)).await.unwrap(), cut);
        // Nor do new rows in their place look like the old ones.
        let mut tx = place.db.begin().await.unwrap();
        let detail = serde_json::json!({});
        audit::append(&mut tx, &actor(), Instant(9), "set", "thing", &detail)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(audit::check(&place.db, None).await.unwrap(), None);
        assert!(
            audit::check(&place.db, Some(&kept))
                .await
                .unwrap()
                .is_some()
        );
    });
}

#[test]
fn the_log_only_grows() {
    on_both(|place| async move {
        three_rows(&place).await;
        for statement in [
            "UPDATE audit SET principal = 'user:other'",
            "UPDATE audit SET detail = '{}' WHERE instant_us = 2",
            "DELETE FROM audit",
            "DELETE FROM audit WHERE instant_us = 2",
        ] {
            let error = place.try_at(&place.url, statement).await.unwrap_err();
            assert!(
                error.to_string().contains("the audit log only grows"),
                "{statement}: {error}"
            );
        }
        assert_eq!(audit::check(&place.db, None).await.unwrap(), None);
        let rows = audit::list(&place.db, OrgId::DEFAULT, None, 10).await;
        assert_eq!(rows.unwrap().len(), 3);
    });
}
