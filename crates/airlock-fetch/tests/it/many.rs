//! Many downloads side by side.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use airlock_fetch::{Cancel, Error, Job, Progress, Settings, Upstream};

use crate::place::{Place, assert_content};
use crate::server::{Reply, Server};

async fn numbered() -> Server {
    Server::start(|request, _| {
        let name = request.path().rsplit('/').next().unwrap().to_owned();
        if name == "7" {
            Reply::new(404, "")
        } else {
            Reply::ok(name)
        }
    })
    .await
}

fn jobs(place: &Place, count: usize) -> Vec<Job> {
    (0..count)
        .map(|number| place.job(&number.to_string(), number.to_string().as_bytes()))
        .collect()
}

#[tokio::test]
async fn all_results_come_with_their_place() {
    let server = numbered().await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let mut seen = Vec::new();
    let end = session
        .download_all(
            jobs(&place, 40),
            5,
            &place.progress,
            &place.cancel,
            |number, result| {
                match result {
                    Ok(done) => assert_content(&done, number.to_string().as_bytes()),
                    Err(error) => assert!(number == 7 && error.is_not_found(), "{number}: {error}"),
                }
                seen.push(number);
                std::future::ready(ControlFlow::Continue(()))
            },
        )
        .await
        .unwrap();
    assert_eq!(end, ControlFlow::Continue(()));
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
    assert_eq!(place.progress.transferred().files, 39);
    assert!(place.files().is_empty());
}

/// How many requests are in the server at once at most, counted from their arrival to the hand-over of
/// the result, which is after the place at the host was free again: never less than the truth.
async fn most_at_once(parallel: usize, per_host: usize) -> usize {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_, _| {
        let count = inside.fetch_add(1, Ordering::SeqCst) + 1;
        peak.fetch_max(count, Ordering::SeqCst);
        Reply::ok("x")
    })
    .await;
    let place = Place::with(Settings {
        parallel_per_host: per_host,
        ..Settings::default()
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let jobs: Vec<Job> = (0..20)
        .map(|_| Job::new("x", place.folder.path()))
        .collect();
    let end = session
        .download_all(
            jobs,
            parallel,
            &Progress::silent(),
            &Cancel::new(),
            |_, result| {
                result.unwrap();
                now.fetch_sub(1, Ordering::SeqCst);
                std::future::ready(ControlFlow::Continue(()))
            },
        )
        .await
        .unwrap();
    assert!(end.is_continue());
    assert_eq!(server.count(), 20);
    most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn parallel_downloads_are_bounded() {
    assert_eq!(most_at_once(1, 8).await, 1);
    let most = most_at_once(4, 8).await;
    assert!((1..=4).contains(&most), "{most}");
}

#[tokio::test]
async fn one_host_is_not_asked_too_much_at_once() {
    // Two requests may be open; a third can only be begun when one of them has its answer.
    let place = Place::with(Settings {
        parallel_per_host: 2,
        ..Settings::default()
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let (seen, cancel) = (Arc::clone(&asked), place.cancel.clone());
    let server = Server::start(move |_, _| {
        let (seen, cancel) = (Arc::clone(&seen), cancel.clone());
        // Nobody gets an answer: after many rounds of every task the two open ones are all there are.
        let rounds = AtomicUsize::new(0);
        seen.fetch_add(1, Ordering::SeqCst);
        Reply::ok("xy").cut(0).hang(move || {
            let both = seen.load(Ordering::SeqCst) >= 2;
            if both && rounds.fetch_add(1, Ordering::SeqCst) == 2_000 {
                cancel.cancel();
            }
        })
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    let jobs: Vec<Job> = (0..12)
        .map(|_| Job::new("x", place.folder.path()))
        .collect();
    let error = session
        .download_all(jobs, 12, &place.progress, &place.cancel, |_, result| {
            panic!("no download can end: {result:?}");
            #[allow(unreachable_code)]
            std::future::ready(ControlFlow::Continue(()))
        })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn breaking_off_ends_the_rest() {
    let server = numbered().await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let mut count = 0;
    let end = session
        .download_all(
            jobs(&place, 1_000),
            3,
            &place.progress,
            &place.cancel,
            |_, _| {
                count += 1;
                std::future::ready(if count == 5 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            },
        )
        .await
        .unwrap();
    assert_eq!(end, ControlFlow::Break(()));
    assert_eq!(count, 5);
    assert!(server.count() < 20, "{}", server.count());
}

#[tokio::test]
async fn stopping_ends_the_rest() {
    let server = numbered().await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let cancel = place.cancel.clone();
    let mut count = 0;
    let error = session
        .download_all(
            jobs(&place, 1_000),
            3,
            &place.progress,
            &place.cancel,
            |_, _| {
                count += 1;
                if count == 5 {
                    cancel.cancel();
                }
                std::future::ready(ControlFlow::Continue(()))
            },
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(server.count() < 20, "{}", server.count());
}

#[tokio::test]
async fn progress_is_told() {
    let server = numbered().await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let progress =
        Progress::new(move |so_far| kept.lock().unwrap().push((so_far.bytes, so_far.files)));
    session
        .download(&place.job("12345", b"12345"), &progress, &Cancel::new())
        .await
        .unwrap();
    assert_eq!(*told.lock().unwrap(), [(5, 0), (5, 1)]);
}
