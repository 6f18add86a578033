//! Parts that outlive a process.

use std::time::{Duration, SystemTime};

use airlock_fetch::{Error, Job, Settings, Upstream, remove_old_parts};

use crate::place::{Place, assert_content, content, sha256};
use crate::server::{Reply, Server, file};

fn once() -> Settings {
    Settings {
        retries: 0,
        ..Settings::default()
    }
}

/// A server whose first answer breaks off.
async fn breaking(body: &[u8], at: usize) -> Server {
    let body = body.to_vec();
    Server::start(move |request, number| {
        let reply = file(request, &body, "\"e\"");
        if number == 0 { reply.cut(at) } else { reply }
    })
    .await
}

#[tokio::test]
async fn a_new_session_goes_on_with_the_part() {
    let body = content(900_000);
    let server = breaking(&body, 700_000).await;
    let mut place = Place::with(once());
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a.rpm", &body))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Transfer { at: 700_000, .. }),
        "{error}"
    );
    let part = format!("sha256-{}.part", sha256(&body).hex());
    assert_eq!(place.files(), [part.clone(), format!("{part}-tag")]);

    // As after a restart: nothing is left but the folder.
    let fresh = Place::with(once());
    place.fetcher = fresh.fetcher.clone();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(done.resumed_from, 700_000);
    let request = &server.requests()[1];
    assert_eq!(request.header("range"), Some("bytes=700000-"));
    assert_eq!(request.header("if-range"), Some("\"e\""));
    assert_eq!(
        place.files().len(),
        1,
        "no part is left: {:?}",
        place.files()
    );
}

#[tokio::test]
async fn a_whole_part_needs_no_request() {
    let body = content(10_000);
    let server = Server::start(|_, _| panic!("no request expected")).await;
    let place = Place::new();
    let part = format!("sha256-{}.part", sha256(&body).hex());
    std::fs::write(place.folder.path().join(part), &body).unwrap();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_spoiled_part_costs_one_more_request() {
    let body = content(10_000);
    for (spoiled, requests) in [
        (vec![0; 4_000], 2),  // wrong bytes: found at the end
        (vec![0; 10_000], 1), // whole but wrong: found before any request
        (vec![0; 20_000], 1), // too long: thrown away at once
    ] {
        let served = body.clone();
        let server = Server::start(move |request, _| file(request, &served, "\"e\"")).await;
        let place = Place::new();
        let part = format!("sha256-{}.part", sha256(&body).hex());
        std::fs::write(place.folder.path().join(part), &spoiled).unwrap();
        let session = place.session(&Upstream::new(server.base())).await;
        let done = place
            .download(&session, &place.job("a", &body))
            .await
            .unwrap();
        assert_content(&done, &body);
        assert_eq!(server.count(), requests);
        assert_eq!(done.resumed_from, 0);
    }
}

#[tokio::test]
async fn two_downloads_of_one_file_do_not_disturb_each_other() {
    let body = content(300_000);
    let served = body.clone();
    let server = Server::start(move |request, _| file(request, &served, "\"e\"")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let job = place.job("a", &body);
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (session, job, progress, cancel) = (
                session.clone(),
                job.clone(),
                place.progress.clone(),
                place.cancel.clone(),
            );
            tokio::spawn(async move { session.download(&job, &progress, &cancel).await.unwrap() })
        })
        .collect();
    let mut held = Vec::new();
    for task in tasks {
        let done = task.await.unwrap();
        assert_content(&done, &body);
        held.push(done);
    }
    assert_eq!(place.files().len(), 6);
    drop(held);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn without_a_checksum_nothing_is_kept() {
    let body = content(100_000);
    let server = breaking(&body, 50_000).await;
    let place = Place::with(once());
    let session = place.session(&Upstream::new(server.base())).await;
    let job = Job::new("a", place.folder.path());
    place.download(&session, &job).await.unwrap_err();
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn without_a_checksum_a_broken_transfer_still_goes_on_by_its_validator() {
    let body = content(100_000);
    let server = breaking(&body, 50_000).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &Job::new("a", place.folder.path()))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(server.requests()[1].header("if-range"), Some("\"e\""));
    assert_eq!(place.progress.transferred().bytes, 100_000);
}

#[tokio::test]
async fn without_checksum_and_validator_pieces_are_not_glued() {
    let body = content(100_000);
    let served = body.clone();
    let server = Server::start(move |request, number| {
        let mut reply = file(request, &served, "\"e\"");
        reply.headers.retain(|(name, _)| name != "ETag");
        if number == 0 {
            reply.cut(50_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &Job::new("a", place.folder.path()))
        .await
        .unwrap();
    assert_content(&done, &body);
    let last = server.requests().pop().unwrap();
    assert_eq!(last.header("range"), None);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let server = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let mut job = place.job("a", b"x");
    job.folder = place.folder.path().join("gone");
    let error = place.download(&session, &job).await.unwrap_err();
    assert!(
        matches!(error, Error::Io { .. }) && error.to_string().contains("gone"),
        "{error}"
    );
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_link_in_place_of_a_part_is_not_followed() {
    let body = content(1_000);
    let served = body.clone();
    let server = Server::start(move |request, _| file(request, &served, "\"e\"")).await;
    let place = Place::new();
    let part = place
        .folder
        .path()
        .join(format!("sha256-{}.part", sha256(&body).hex()));
    let target = place.folder.path().join("precious");
    std::os::unix::fs::symlink(&target, &part).unwrap();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert!(!target.exists());
}

#[test]
fn old_parts_are_cleared_away() {
    let place = tempfile::TempDir::new().unwrap();
    for name in ["md5-1.part", "md5-1.part-tag", "fetch-0123.tmp", "keep.rpm"] {
        std::fs::write(place.path().join(name), "x").unwrap();
    }
    let age = Duration::from_secs(3_600);
    assert_eq!(
        remove_old_parts(place.path(), SystemTime::now(), age).unwrap(),
        0
    );
    let later = SystemTime::now() + Duration::from_secs(7_200);
    assert_eq!(remove_old_parts(place.path(), later, age).unwrap(), 3);
    assert_eq!(crate::place::names_in(place.path()), ["keep.rpm"]);
    assert!(remove_old_parts(&place.path().join("gone"), later, age).is_err());
}
