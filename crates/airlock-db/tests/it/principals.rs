use airlock_db::organizations;
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
            scope: None,
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
        let used = principals::use_token(&place.db, "h1", Instant(2)).await;
        assert_eq!(used.unwrap().unwrap().login.as_deref(), Some("ada"));
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
            scope: None,
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

#[test]
fn organizations_have_names_of_their_own_and_count_what_they_have() {
    on_both(|place| async move {
        let mut tx = place.db.begin().await.unwrap();
        let made = organizations::create(&mut tx, "research", Instant(7))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(made, OrgId::DEFAULT);
        let again = organizations::create(&mut tx, "research", Instant(8))
            .await
            .unwrap();
        assert_eq!(again, None);
        principals::create_user(&mut tx, made, "ada", "hash", Role::Reader, Instant(9))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let found = organizations::find(&place.db, "research")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.id, found.users, found.channels, found.created),
            (made, 1, 0, Instant(7))
        );
        let names: Vec<String> = organizations::list(&place.db)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(names, ["default", "research"]);
        assert_eq!(organizations::find(&place.db, "none").await.unwrap(), None);
    });
}

#[test]
fn a_lower_role_ends_the_tokens_that_may_do_more() {
    on_both(|place| async move {
        let mut tx = place.db.begin().await.unwrap();
        let id = principals::create_user(
            &mut tx,
            OrgId::DEFAULT,
            "ada",
            "hash",
            Role::Administrator,
            Instant(1),
        )
        .await
        .unwrap()
        .unwrap();
        for role in Role::ALL {
            let token = NewToken {
                org: OrgId::DEFAULT,
                user: Some(id),
                name: role.as_str(),
                hash: role.as_str(),
                role,
                channels: None,
                scope: None,
                expires: None,
            };
            principals::create_token(&mut tx, &token, Instant(1))
                .await
                .unwrap();
        }
        principals::set_role(&mut tx, id, Role::Reader, Instant(2))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut left = Vec::new();
        for role in Role::ALL {
            let used = principals::use_token(&place.db, role.as_str(), Instant(3)).await;
            left.push(used.unwrap().is_some());
        }
        assert_eq!(left, [true, true, false, false]);
    });
}

#[test]
fn two_administrators_who_demote_each_other_leave_one() {
    on_both(|place| async move {
        let mut ids = Vec::new();
        for login in ["ada", "bob"] {
            let mut tx = place.db.begin().await.unwrap();
            let id = principals::create_user(
                &mut tx,
                OrgId::DEFAULT,
                login,
                "hash",
                Role::Administrator,
                Instant(1),
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            ids.push(id.unwrap());
        }
        let demote = async |id| {
            let mut tx = place.db.begin().await.unwrap();
            let may = principals::has_other_administrator(&mut tx, OrgId::DEFAULT, id)
                .await
                .unwrap();
            if may {
                principals::set_role(&mut tx, id, Role::Reader, Instant(2))
                    .await
                    .unwrap();
            }
            tx.commit().await.unwrap();
            may
        };
        let (first, second) = tokio::join!(demote(ids[0]), demote(ids[1]));
        assert!(first != second, "one of them, not {first} and {second}");
        let users = principals::users(&place.db, OrgId::DEFAULT).await.unwrap();
        let administrators = users
            .iter()
            .filter(|user| user.role == Role::Administrator)
            .count();
        assert_eq!(administrators, 1);
    });
}
