use airlock_db::principals::{self, NewToken};
use airlock_model::{Instant, OrgId, Role};

use crate::both::on_both;

const SECOND: i64 = 1_000_000;

#[test]
fn a_login_is_given_once_and_a_disabled_user_loses_the_tokens() {
    on_both(|place| async move {
        let mut tx = place.db.begin().await.unwrap();
        let id = principals::create_user(
            &mut tx,
            OrgId::DEFAULT,
            "ada",
            "hash",
            Role::Reader,
            Instant(1),
        )
        .await
        .unwrap()
        .unwrap();
        let again = principals::create_user(
            &mut tx,
            OrgId::DEFAULT,
            "ada",
            "other",
            Role::Reader,
            Instant(1),
        )
        .await
        .unwrap();
        assert_eq!(again, None);
        principals::set_password(&mut tx, id, "new").await.unwrap();
        let token = NewToken {
            org: OrgId::DEFAULT,
            user: Some(id),
            name: "laptop",
            hash: "h1",
            role: Role::Reader,
            channels: None,
            expires: None,
        };
        principals::create_token(&mut tx, &token, Instant(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let ada = principals::find_user(&place.db, "ada")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((ada.password_hash.as_str(), ada.disabled), ("new", false));
        assert!(
            principals::use_token(&place.db, "h1", Instant(2))
                .await
                .unwrap()
                .is_some()
        );
        let mut tx = place.db.begin().await.unwrap();
        principals::set_disabled(&mut tx, id, true, Instant(3))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(
            principals::use_token(&place.db, "h1", Instant(4))
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn a_token_ends_at_its_instant_or_when_revoked_and_its_use_is_written_once_a_minute() {
    on_both(|place| async move {
        let mut tx = place.db.begin().await.unwrap();
        let channels = ["meadow-base".to_owned(), "meadow-updates".to_owned()];
        let new = NewToken {
            org: OrgId::DEFAULT,
            user: None,
            name: "ci",
            hash: "h2",
            role: Role::Download,
            channels: Some(&channels),
            expires: Some(Instant(1_000 * SECOND)),
        };
        let id = principals::create_token(&mut tx, &new, Instant(0))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let used = async |second: i64| {
            principals::use_token(&place.db, "h2", Instant(second * SECOND))
                .await
                .unwrap()
        };
        let last = async || {
            let tokens = principals::tokens(&place.db, OrgId::DEFAULT).await.unwrap();
            tokens[0].last_used.map(|i| i.0 / SECOND)
        };
        assert_eq!(
            used(10).await.unwrap().channels.as_deref(),
            Some(&channels[..])
        );
        assert_eq!(last().await, Some(10));
        used(70).await.unwrap();
        assert_eq!(last().await, Some(10));
        used(71).await.unwrap();
        assert_eq!(last().await, Some(71));
        assert!(used(999).await.is_some());
        assert!(used(1_000).await.is_none());
        let mut tx = place.db.begin().await.unwrap();
        let other = principals::revoke_token(&mut tx, OrgId(2), id, Instant(5))
            .await
            .unwrap();
        assert!(!other, "another organization's token");
        assert!(
            principals::revoke_token(&mut tx, OrgId::DEFAULT, id, Instant(5))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        assert!(used(80).await.is_none());
    });
}
