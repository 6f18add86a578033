use airlock_model::{ManualClock, OrgId, Role};

use super::*;

async fn try_login(app: &Arc<App>, password: &str) -> StatusCode {
    let peer = Peer::Network("192.0.2.1:4711".parse().unwrap());
    let wish = api::Login {
        login: "ada".to_owned(),
        password: password.to_owned(),
        name: None,
        days: None,
    };
    let request = Extension(RequestId("test".to_owned()));
    let answer = login(
        State(Arc::clone(app)),
        Some(Extension(peer)),
        request,
        Body(wish),
    );
    match answer.await {
        Ok((status, _)) => status,
        Err(failure) => failure.status_code(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_one_moment_are_counted_before_they_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(airlock_model::Instant::from_seconds(
        1_000_000,
    )));
    let file = folder.path().join("airlock.db");
    let app = App::assembled(folder.path(), file.to_str().unwrap(), &clock).await;
    let hash = password::hash("correct horse battery".into())
        .await
        .unwrap();
    let mut tx = app.db().begin().await.unwrap();
    let role = Role::Reader;
    principals::create_user(&mut tx, OrgId::DEFAULT, "ada", &hash, role, app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tries = tokio::task::JoinSet::new();
    for number in 0..40 {
        let app = Arc::clone(&app);
        tries.spawn(async move { try_login(&app, &format!("wrong horse {number}")).await });
    }
    let answers = tries.join_all().await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!(count(StatusCode::UNAUTHORIZED), 5, "{answers:?}");
    assert_eq!(count(StatusCode::TOO_MANY_REQUESTS), 35, "{answers:?}");

    clock.advance(2);
    let right = try_login(&app, "correct horse battery").await;
    assert_eq!(right, StatusCode::CREATED);
}
