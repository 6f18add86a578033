//! Time: lowest rate, deadlines, answers that do not come, the bandwidth limit. No test sleeps.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use airlock_fetch::{Error, Progress, Settings, Upstream};

use crate::place::{Place, assert_content, content};
use crate::server::{Reply, Server, file};

fn once() -> Settings {
    Settings {
        retries: 0,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_trickle_is_given_up_and_resumed() {
    let body = content(200_000);
    let mut place = Place::new();
    let served = body.clone();
    let server = Server::start(move |request, number| {
        let reply = file(request, &served, "\"e\"");
        if number == 0 {
            reply.cut(50_000).hang(|| ())
        } else {
            reply
        }
    })
    .await;
    // 50,000 bytes in 61 s are less than 1,000 a second. Time passes once all of them are here.
    let timer = Arc::clone(&place.timer);
    place.progress = Progress::new(move |so_far| {
        if so_far.bytes == 50_000 {
            timer.advance(Duration::from_secs(61));
        }
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(server.count(), 2);
    assert_eq!(server.requests()[1].header("range"), Some("bytes=50000-"));
}

#[tokio::test]
async fn the_rate_is_named() {
    let place = Place::with(Settings {
        answer_timeout: Duration::from_secs(1 << 30),
        ..once()
    });
    let timer = Arc::clone(&place.timer);
    let server = Server::start(move |_, _| {
        let timer = Arc::clone(&timer);
        Reply::ok(vec![0; 1_000])
            .cut(0)
            .hang(move || timer.advance(Duration::from_secs(75)))
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", &[0; 1_000]))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooSlow { bytes: 0, .. }), "{error}");
    let error = session
        .small("a", 5_000, None, &place.cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooSlow { .. }), "{error}");
}

#[tokio::test]
async fn a_file_has_a_deadline_by_its_size() {
    let place = Place::with(Settings {
        // Each window is good, so only the deadline ends this.
        min_rate: 0,
        deadline_base: Duration::from_secs(30),
        answer_timeout: Duration::from_secs(1 << 30),
        ..once()
    });
    let timer = Arc::clone(&place.timer);
    let server = Server::start(move |_, _| {
        let timer = Arc::clone(&timer);
        Reply::ok(vec![0; 10])
            .cut(5)
            .hang(move || timer.advance(Duration::from_secs(45)))
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", &[0; 10]))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Deadline { seconds: 40, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_must_begin_in_time() {
    let place = Place::with(once());
    let timer = Arc::clone(&place.timer);
    let server = Server::start(move |_, _| {
        let timer = Arc::clone(&timer);
        Reply {
            mute: Some(Arc::new(move || timer.advance(Duration::from_secs(61)))),
            ..Reply::ok("")
        }
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no answer within 60 s") && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn the_bandwidth_limit_is_not_slowness() {
    let body = content(1_000_000);
    let served = body.clone();
    let server = Server::start(move |request, _| file(request, &served, "\"e\"")).await;
    let place = Place::with(Settings {
        // 200 s, where the lowest rate and the deadline alone would allow 20 s.
        bandwidth: NonZeroU64::new(5_000),
        min_rate: 50_000,
        deadline_base: Duration::ZERO,
        ..once()
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    let rested: Duration = place.timer.rests().iter().sum();
    assert!(rested >= Duration::from_millis(199_000), "{rested:?}");
}

#[tokio::test]
async fn the_bandwidth_limit_holds_for_all_together() {
    let body = content(500_000);
    let served = body.clone();
    let server = Server::start(move |request, _| file(request, &served, "\"e\"")).await;
    let place = Place::with(Settings {
        bandwidth: NonZeroU64::new(5_000),
        // With a clock moved by hand one transfer's rest also passes for the other one.
        min_rate: 0,
        answer_timeout: Duration::from_secs(1 << 30),
        ..once()
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let (one, two) = (place.job("a", &body), place.job("b", &body));
    let (one, two) = tokio::join!(
        place.download(&session, &one),
        place.download(&session, &two)
    );
    assert_content(&one.unwrap(), &body);
    assert_content(&two.unwrap(), &body);
    let rested: Duration = place.timer.rests().iter().sum();
    assert!(rested >= Duration::from_millis(199_000), "{rested:?}");
}

#[tokio::test]
async fn stopping_ends_a_hanging_transfer_and_keeps_its_part() {
    let place = Place::new();
    let cancel = place.cancel.clone();
    let server = Server::start(move |_, _| {
        let cancel = cancel.clone();
        Reply::ok(vec![0; 100]).cut(0).hang(move || cancel.cancel())
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", &[0; 100]))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(matches!(
        session.small("a", 10, None, &place.cancel).await,
        Err(Error::Cancelled)
    ));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_foreign_stop_flag_is_followed() {
    let raised = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (hook, look) = (Arc::clone(&raised), Arc::clone(&raised));
    let mut place = Place::new();
    place.cancel =
        airlock_fetch::Cancel::following(move || look.load(std::sync::atomic::Ordering::SeqCst));
    let server = Server::start(move |_, _| {
        let hook = Arc::clone(&hook);
        Reply::ok(vec![0; 100])
            .cut(0)
            .hang(move || hook.store(true, std::sync::atomic::Ordering::SeqCst))
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", &[0; 100]))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}
