//! Downloads that a client waits for.

use std::sync::Arc;

use airlock_fetch::{Error, Settings, Upstream};
use tokio::sync::Notify;

use crate::place::{Place, assert_content};
use crate::server::{Reply, Server};

#[tokio::test]
async fn a_client_does_not_wait_for_the_places_of_syncs() {
    let held = Arc::new(Notify::new());
    let here = Arc::clone(&held);
    let server = Server::start(move |request, _| {
        let here = Arc::clone(&here);
        if request.path().ends_with("/held") {
            Reply::ok("never").cut(0).hang(move || here.notify_one())
        } else {
            Reply::ok("wanted")
        }
    })
    .await;
    let place = Place::with(Settings {
        parallel_per_host: 1,
        ..Settings::default()
    });
    let upstream = Upstream::new(server.base());
    let syncs = place.session(&upstream).await;
    let clients = place.fetcher.for_clients().start(&upstream).await.unwrap();
    let (held_job, wanted) = (place.job("held", b"never"), place.job("wanted", b"wanted"));
    let sync = place.download(&syncs, &held_job);
    let client = async {
        held.notified().await;
        place.download(&clients, &wanted).await
    };
    tokio::select! {
        _ = sync => panic!("the sync ended"),
        done = client => assert_content(&done.unwrap(), b"wanted"),
    }
}

#[tokio::test]
async fn a_client_hears_soon_of_a_host_that_is_down_and_a_sync_keeps_trying() {
    let server = Server::start(|_, _| Reply::new(503, "")).await;
    let place = Place::new();
    let upstream = Upstream::new(server.base());
    let job = place.job("x", b"x");
    let clients = place.fetcher.for_clients().start(&upstream).await.unwrap();
    let error = place.download(&clients, &job).await.unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 503, .. }),
        "{error}"
    );
    assert_eq!(place.rests(), [1, 2]);
    let syncs = place.session(&upstream).await;
    place.download(&syncs, &job).await.unwrap_err();
    assert_eq!(place.rests(), [1, 2, 1, 2, 4, 8, 16]);
}
