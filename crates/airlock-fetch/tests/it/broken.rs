//! Servers that cut, lie, lack files, or change under the download.

use airlock_fetch::{Error, Job, Settings, Upstream};

use crate::place::{Place, assert_content, content};
use crate::server::{Framing, Reply, Server, file};

#[tokio::test]
async fn a_cut_transfer_goes_on_where_it_broke_off() {
    let body = content(2_000_000);
    let served = body.clone();
    let server = Server::start(move |request, number| {
        let reply = file(request, &served, "\"1\"");
        if number < 3 {
            reply.cut(600_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(
        place.progress.transferred().bytes,
        2_000_000,
        "no byte came twice"
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for (request, start) in requests[1..].iter().zip([600_000, 1_200_000, 1_800_000]) {
        assert_eq!(
            request.header("range"),
            Some(format!("bytes={start}-").as_str())
        );
        assert_eq!(request.header("if-range"), Some("\"1\""));
    }
    assert_eq!(place.rests(), [1, 2, 4], "waits grow");
}

#[tokio::test]
async fn without_range_support_the_file_comes_anew() {
    let body = content(500_000);
    let served = body.clone();
    let server = Server::start(move |_, number| {
        let reply = Reply::ok(served.clone());
        if number == 0 {
            reply.cut(300_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(place.progress.transferred().bytes, 800_000);
    assert_eq!(server.requests()[1].header("range"), Some("bytes=300000-"));
}

#[tokio::test]
async fn a_file_that_changes_in_the_middle_is_not_glued_together() {
    // The new content is the one that the metadata means.
    let (old, new) = (content(400_000), content(400_001)[1..].to_vec());
    for honest in [true, false] {
        let (old, served) = (old.clone(), new.clone());
        let server = Server::start(move |request, number| match number {
            0 => file(request, &old, "\"old\"").cut(100_000),
            // An honest server sees that If-Range does not fit; the other one sends its rest anyway.
            1 if !honest => {
                let mut request = request.clone();
                request
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("if-range"));
                file(&request, &served, "\"new\"")
            }
            _ => file(request, &served, "\"new\""),
        })
        .await;
        let place = Place::new();
        let session = place.session(&Upstream::new(server.base())).await;
        let done = place
            .download(&session, &place.job("a.rpm", &new))
            .await
            .unwrap();
        assert_content(&done, &new);
        assert_eq!(server.count(), if honest { 2 } else { 3 });
    }
}

#[tokio::test]
async fn pieces_that_do_not_fit_are_found_by_the_checksum() {
    // No validators at all: only the checksum tells.
    let (old, new) = (content(400_000), content(400_001)[1..].to_vec());
    let served = new.clone();
    let server = Server::start(move |request, number| {
        let source = if number == 0 { &old } else { &served };
        let mut reply = file(request, source, "\"x\"");
        reply.headers.retain(|(name, _)| name != "ETag");
        if number == 0 {
            reply.cut(100_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a.rpm", &new))
        .await
        .unwrap();
    assert_content(&done, &new);
    let ranges: Vec<bool> = server
        .requests()
        .iter()
        .map(|r| r.header("range").is_some())
        .collect();
    assert_eq!(ranges, [false, true, false]);
}

#[tokio::test]
async fn a_burst_of_503_is_sat_out() {
    let server = Server::start(|_, number| match number {
        0 => Reply::new(503, "busy").with("Retry-After", "17"),
        1 => Reply::new(500, "oops"),
        2 => Reply::new(429, "slow down")
            .with("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT")
            .with("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        _ => Reply::ok("x"),
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_eq!(place.rests(), [17, 2, 60]);
}

#[tokio::test]
async fn retries_end() {
    let server = Server::start(|_, _| Reply::new(503, "busy")).await;
    let place = Place::with(Settings {
        retries: 3,
        ..Settings::default()
    });
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 503, .. }) && error.is_transient(),
        "{error}"
    );
    assert_eq!(server.count(), 4);
    assert_eq!(place.rests(), [1, 2, 4]);
    assert!(
        place.files().is_empty(),
        "an empty part is not kept: {:?}",
        place.files()
    );
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_for_long_is() {
    let server = Server::start(|_, _| Reply::new(503, "busy").with("Retry-After", "86400")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("86400"), "{error}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn missing_files_are_asked_for_once_per_mirror() {
    for status in [404, 410] {
        let one = Server::start(move |_, _| Reply::new(status, "none")).await;
        let two = Server::start(move |_, _| Reply::new(status, "none")).await;
        let place = Place::new();
        let mut upstream = Upstream::new(one.base());
        let session = place.session(&upstream).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        assert!(error.is_not_found() && !error.is_transient(), "{error}");
        assert!(matches!(error, Error::Status { .. }));
        upstream.mirrors.push(two.base());
        let session = place.session(&upstream).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(matches!(error, Error::AllMirrors { tried: 2, .. }));
        assert_eq!((one.count(), two.count()), (2, 1));
        assert!(place.rests().is_empty());
    }
}

#[tokio::test]
async fn the_next_mirror_helps() {
    let body = content(100_000);
    for kind in ["404", "wrong", "cut", "page", "503", "dead"] {
        let served = body.clone();
        let bad = Server::start(move |request, _| match kind {
            "404" => Reply::new(404, ""),
            "wrong" => Reply::ok(vec![7; 100_000]),
            "cut" => file(request, &served, "\"bad\"").cut(40_000),
            "page" => Reply::ok("<html>log in</html>").with("Content-Type", "text/html"),
            _ => Reply::new(503, ""),
        })
        .await;
        let served = body.clone();
        let good = Server::start(move |request, _| file(request, &served, "\"good\"")).await;
        let place = Place::new();
        let mut upstream = Upstream::new(bad.base());
        upstream.mirrors.push(good.base());
        if kind == "dead" {
            drop(bad);
        }
        let session = place.session(&upstream).await;
        let done = place
            .download(&session, &place.job("a.rpm", &body))
            .await
            .unwrap();
        assert_content(&done, &body);
        assert!(
            place.rests().is_empty(),
            "{kind}: the next mirror is asked at once"
        );
        let request = &good.requests()[0];
        // What one mirror began another one ends, without the first one's validator.
        assert_eq!(
            request.header("range"),
            (kind == "cut").then_some("bytes=40000-"),
            "{kind}"
        );
        assert_eq!(request.header("if-range"), None);
    }
}

#[tokio::test]
async fn mirrors_that_keep_failing_come_last() {
    let bad = Server::start(|_, _| Reply::new(500, "")).await;
    let good = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let mut upstream = Upstream::new(bad.base());
    upstream.mirrors.push(good.base());
    let session = place.session(&upstream).await;
    for _ in 0..5 {
        place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap();
    }
    assert_eq!((bad.count(), good.count()), (3, 5));
}

#[tokio::test]
async fn size_lies_are_named() {
    let place = Place::new();
    let server = Server::start(|request, _| match request.path() {
        "/repo/long" => Reply::ok(vec![0; 20]),
        "/repo/longer" => Reply::ok(vec![0; 20]).framing(Framing::Chunked),
        "/repo/short" => Reply::ok(vec![0; 5]),
        "/repo/shorter" => Reply::ok(vec![0; 5]).framing(Framing::Chunked),
        other => panic!("{other}"),
    })
    .await;
    let session = place.session(&Upstream::new(server.base())).await;
    for (path, got) in [("long", 20), ("longer", 20), ("short", 5), ("shorter", 5)] {
        let error = place
            .download(&session, &place.job(path, &[0; 10]))
            .await
            .unwrap_err();
        match &error {
            Error::Size {
                expected: 10,
                got: found,
                ..
            } => assert_eq!(*found, got, "{path}"),
            other => panic!("{path}: {other}"),
        }
        assert!(
            error.to_string().contains(path) && error.is_mismatch(),
            "{error}"
        );
    }
    assert_eq!(server.count(), 4, "not retried");
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn an_endless_body_stops_at_the_size_or_limit() {
    let server =
        Server::start(|_, _| Reply::ok(vec![1; 3_000_000]).framing(Framing::Chunked)).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &Job::new("a", place.folder.path()).limit(1_000))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit: 1_000, .. }),
        "{error}"
    );
    assert!(place.progress.transferred().bytes < 3_000_000);
    assert!(place.files().is_empty());
}

#[tokio::test]
async fn a_content_length_lie_is_a_broken_transfer() {
    // Announces the right size, sends less, closes; the honest rest comes at the second try.
    let body = content(50_000);
    let served = body.clone();
    let server = Server::start(move |request, number| match number {
        0 => Reply::ok(&served[..20_000])
            .framing(Framing::Lie(50_000))
            .with("ETag", "\"e\""),
        _ => file(request, &served, "\"e\""),
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(server.requests()[1].header("range"), Some("bytes=20000-"));
}

#[tokio::test]
async fn a_body_without_length_that_ends_early_is_resumed() {
    let body = content(50_000);
    let served = body.clone();
    let server = Server::start(move |request, number| {
        let reply = file(request, &served, "\"e\"");
        if number == 0 {
            reply.framing(Framing::Close).cut(30_000)
        } else {
            reply
        }
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("a", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert_eq!(place.progress.transferred().bytes, 50_000);
}

#[tokio::test]
async fn an_error_page_with_status_200_is_called_one() {
    let page = "<html>your session has expired, please log in</html>";
    let server =
        Server::start(move |_, _| Reply::ok(page).with("Content-Type", "text/html; charset=utf-8"))
            .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let sized = place.job("a.rpm", b"x");
    let mut unsized_job = sized.clone();
    unsized_job.size = None;
    for job in [sized, unsized_job] {
        let error = place.download(&session, &job).await.unwrap_err();
        assert!(
            error.is_mismatch() && error.to_string().contains("web page"),
            "{error}"
        );
    }
    assert_eq!(server.count(), 2);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn a_wrong_partial_answer_is_not_believed() {
    let body = content(10_000);
    for case in ["offset", "none", "416", "204"] {
        let served = body.clone();
        let server = Server::start(move |request, number| match (number, case) {
            (0, _) => file(request, &served, "\"e\"").cut(4_000),
            (1, "offset") => {
                Reply::new(206, &served[5_000..]).with("Content-Range", "bytes 5000-9999/10000")
            }
            (1, "none") => Reply::new(206, &served[4_000..]),
            (1, "416") => Reply::new(416, ""),
            (1, _) => Reply::new(204, ""),
            _ => file(request, &served, "\"e\""),
        })
        .await;
        let place = Place::new();
        let session = place.session(&Upstream::new(server.base())).await;
        let result = place.download(&session, &place.job("a", &body)).await;
        if case == "204" {
            let error = result.unwrap_err();
            assert!(
                matches!(error, Error::Status { status: 204, .. }),
                "{error}"
            );
        } else {
            assert_content(&result.unwrap(), &body);
            assert_eq!(server.count(), 3, "{case}");
        }
    }
}

#[tokio::test]
async fn no_connection_is_told_with_its_reason() {
    let server = Server::start(|_, _| Reply::ok("x")).await;
    let base = server.base();
    drop(server);
    let place = Place::with(Settings {
        retries: 1,
        ..Settings::default()
    });
    let session = place.session(&Upstream::new(base)).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Connect { .. }) && error.is_transient(),
        "{error:?}"
    );
    assert_eq!(place.rests(), [1]);
}
