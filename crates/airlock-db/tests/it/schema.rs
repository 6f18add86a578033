use airlock_db::{Db, Error};

use crate::both::on_both;

#[test]
fn opening_again_changes_nothing() {
    on_both(|place| async move {
        let again = Db::open(&place.url).await.unwrap();
        let mut tx = again.begin().await.unwrap();
        airlock_db::settings::set(&mut tx, "name", "value")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            airlock_db::settings::get(&place.db, "name")
                .await
                .unwrap()
                .as_deref(),
            Some("value")
        );
    });
}

#[test]
fn other_urls_are_refused_without_showing_what_may_be_a_password() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime
        .block_on(Db::open("mysql://user:planted-secret@host/db"))
        .unwrap_err();
    assert!(matches!(error, Error::BadUrl(_)));
    assert!(!error.to_string().contains("planted-secret"));
}

#[test]
fn the_schema_of_a_newer_release_is_refused_and_left_alone() {
    on_both(|place| async move {
        place
            .tamper("INSERT INTO schema_version (number) VALUES (999)")
            .await;
        let error = Db::open(&place.url).await.unwrap_err();
        assert!(
            matches!(error, Error::TooNew { found: 999, known } if known < 999),
            "{error}"
        );
        assert!(error.to_string().contains("newer release"), "{error}");
        // The release that knows it goes on.
        place
            .tamper("DELETE FROM schema_version WHERE number = 999")
            .await;
        Db::open(&place.url).await.unwrap();
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing_of_itself() {
    on_both(|place| async move {
        // All tables but one are gone: the first migration runs again and stops at the one.
        let fresh = place.again_with("CREATE TABLE audit (id BIGINT)").await;
        let error = Db::open(&fresh).await.unwrap_err();
        assert!(
            matches!(error, Error::Migration { number: 1, .. }),
            "{error}"
        );
        // With the obstacle away the same migration runs from its beginning.
        place.tamper_at(&fresh, "DROP TABLE audit").await;
        Db::open(&fresh).await.unwrap();
    });
}

#[test]
fn a_database_file_is_its_owners_alone_and_so_is_its_copy() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("airlock.db");
        let db = Db::open_file(&file).await.unwrap();
        let beside = |ending: &str| folder.path().join(format!("airlock.db{ending}"));
        for ending in ["", "-wal", "-shm"] {
            assert_eq!(mode(&beside(ending)), 0o600, "{ending}");
        }
        let copy = folder.path().join("copy.db");
        db.copy_to(&copy).await.unwrap();
        assert_eq!(mode(&copy), 0o600);
        db.close().await;
        // One made by a release before this one is tightened.
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&file, open).unwrap();
        let db = Db::open_file(&file).await.unwrap();
        for ending in ["", "-wal", "-shm"] {
            assert_eq!(mode(&beside(ending)), 0o600, "{ending}");
        }
        db.close().await;
    });
}
