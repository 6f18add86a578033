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
