//! Downloads that are read while they come.

use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use airlock_fetch::{Arrived, Error, Upstream};
use tokio::sync::watch;

use crate::place::{Place, assert_content, content};
use crate::server::{Reply, Server, file};

fn bytes(arrived: &Arrived) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(arrived.len).unwrap()];
    let file = arrived.file.as_ref().unwrap();
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[tokio::test]
async fn what_is_here_can_be_read_while_the_host_is_silent() {
    let body = content(400_000);
    let served = body.clone();
    let server =
        Server::start(move |_, _| Reply::ok(served.clone()).cut(100_000).hang(|| ())).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let (follow, mut arrived) = watch::channel(Arrived::default());
    let job = place.job("a.rpm", &body).followed(follow);
    let reader = async {
        let seen = arrived.wait_for(|seen| seen.len == 100_000).await.unwrap();
        assert!(bytes(&seen) == body[..100_000]);
        drop(seen);
        place.cancel.cancel();
    };
    let (done, ()) = tokio::join!(place.download(&session, &job), reader);
    assert!(matches!(done, Err(Error::Cancelled)), "{done:?}");
}

#[tokio::test]
async fn another_mirror_goes_on_behind_the_bytes_that_were_shown() {
    let body = content(500_000);
    let (follow, arrived) = watch::channel(Arrived::default());
    let seen = Arc::new(Mutex::new(Arrived::default()));
    let served = body.clone();
    let bad = Server::start(move |_, _| Reply::ok(served.clone()).cut(300_000)).await;
    let (served, at_retry, asked) = (body.clone(), Arc::clone(&seen), arrived.clone());
    let good = Server::start(move |request, _| {
        *at_retry.lock().unwrap() = asked.borrow().clone();
        file(request, &served, "\"1\"")
    })
    .await;
    let mut upstream = Upstream::new(bad.base());
    upstream.mirrors.push(good.base());
    let place = Place::new();
    let session = place.session(&upstream).await;
    let job = place.job("a.rpm", &body).followed(follow);
    let done = place.download(&session, &job).await.unwrap();
    assert_content(&done, &body);
    assert_eq!(good.requests()[0].header("range"), Some("bytes=300000-"));
    let (before, after) = (seen.lock().unwrap().clone(), arrived.borrow().clone());
    assert_eq!((before.len, after.len), (300_000, 500_000));
    assert!(Arc::ptr_eq(
        &before.file.unwrap(),
        after.file.as_ref().unwrap()
    ));
    assert!(bytes(&after) == body);
}

#[tokio::test]
async fn bytes_that_were_shown_do_not_change_when_the_download_begins_anew() {
    let (body, wrong) = (content(500_000), vec![7; 500_000]);
    let (follow, arrived) = watch::channel(Arrived::default());
    let seen = Arc::new(Mutex::new(Arrived::default()));
    let (served, first, at_retry, asked) = (
        body.clone(),
        wrong.clone(),
        Arc::clone(&seen),
        arrived.clone(),
    );
    // Knows no ranges, so the second try begins at the start.
    let server = Server::start(move |_, number| {
        if number == 0 {
            return Reply::ok(first.clone()).cut(300_000);
        }
        *at_retry.lock().unwrap() = asked.borrow().clone();
        Reply::ok(served.clone())
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let job = place.job("a.rpm", &body).followed(follow);
    let done = place.download(&session, &job).await.unwrap();
    assert_content(&done, &body);
    let before = seen.lock().unwrap().clone();
    assert!(before.len == 300_000 && bytes(&before) == wrong[..300_000]);
    assert!(bytes(&arrived.borrow()) == body);
    drop(done);
    assert_eq!(place.files(), [""; 0], "nothing is left behind");
}

#[tokio::test]
async fn what_an_earlier_try_left_is_shown_once_a_host_has_answered() {
    let body = content(500_000);
    let served = body.clone();
    let (follow, arrived) = watch::channel(Arrived::default());
    let asked = arrived.clone();
    let server = Server::start(move |request, number| {
        if number == 1 {
            assert!(asked.borrow().file.is_none());
        }
        let reply = file(request, &served, "\"1\"");
        if number == 0 {
            reply.cut(200_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::with(airlock_fetch::Settings {
        retries: 0,
        ..airlock_fetch::Settings::default()
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let job = place.job("a.rpm", &body);
    assert!(place.download(&session, &job).await.is_err());
    let done = place
        .download(&session, &job.followed(follow))
        .await
        .unwrap();
    assert_eq!(done.resumed_from, 200_000);
    assert!(bytes(&arrived.borrow()) == body);
}
