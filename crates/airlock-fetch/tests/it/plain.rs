//! What goes out and comes in when nothing is wrong.

use airlock_fetch::{
    Algorithm, BasicAuth, Checksum, Error, Job, Placed, Small, Upstream, Url, Validators,
};

use crate::place::{Place, assert_content, content};
use crate::server::{Reply, Server, file};

#[tokio::test]
async fn a_file_is_downloaded_and_verified() {
    let body = content(3_000_000);
    let served = body.clone();
    let server = Server::start(move |request, _| file(request, &served, "\"1\"")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("Packages/a b+c^1~2.rpm", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
    assert!(done.verified);
    assert_eq!((done.placed, done.resumed_from), (Placed::Received, 0));
    assert_eq!(place.progress.transferred().bytes, 3_000_000);
    assert_eq!(place.progress.transferred().files, 1);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].target, "/repo/Packages/a%20b+c%5E1~2.rpm");
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    assert!(
        requests[0]
            .header("user-agent")
            .unwrap()
            .starts_with("airlock/")
    );
    assert_eq!(
        place.files().len(),
        1,
        "only the finished file: {:?}",
        place.files()
    );

    let path = done.path().to_owned();
    drop(done);
    assert!(!path.exists(), "a file that nobody takes is removed");
}

#[tokio::test]
async fn a_kept_file_stays() {
    let server = Server::start(|_, _| Reply::ok("abc")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &Job::new("x", place.folder.path()))
        .await
        .unwrap();
    assert!(!done.verified);
    let path = done.keep();
    assert_eq!(std::fs::read(path).unwrap(), b"abc");
}

#[tokio::test]
async fn all_checksum_kinds_are_verified() {
    let server = Server::start(|_, _| Reply::ok("abc")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    for (algorithm, hex) in [
        (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            Algorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
    ] {
        let job =
            Job::new("x", place.folder.path()).checksum(Checksum::new(algorithm, hex).unwrap());
        let done = place.download(&session, &job).await.unwrap();
        assert_content(&done, b"abc");
        let wrong = hex.replace('9', "8").replace('b', "c");
        let job =
            Job::new("x", place.folder.path()).checksum(Checksum::new(algorithm, &wrong).unwrap());
        let error = place.download(&session, &job).await.unwrap_err();
        let text = error.to_string();
        assert!(error.is_mismatch(), "{text}");
        assert!(
            text.contains(hex) && text.contains(&wrong) && text.contains("/repo/x"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn compressed_files_stay_as_they_are() {
    let body = b"\x1f\x8b\x08\x00not really gzip".to_vec();
    let served = body.clone();
    let server = Server::start(move |_, _| {
        Reply::ok(served.clone())
            .with("Content-Encoding", "gzip")
            .with("Content-Type", "application/x-gzip")
    })
    .await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("primary.xml.gz", &body))
        .await
        .unwrap();
    assert_content(&done, &body);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = Server::start(|_, _| Reply::ok("")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let done = place
        .download(&session, &place.job("empty", b""))
        .await
        .unwrap();
    assert_content(&done, b"");
    drop(done);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[tokio::test]
async fn small_files_know_when_nothing_changed() {
    let server = Server::start(|request, _| file(request, b"<repomd/>", "\"v1\"")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let first = session
        .small("repodata/repomd.xml", 100, None, &place.cancel)
        .await
        .unwrap();
    let Small::Bytes(first) = first else {
        panic!("no bytes")
    };
    assert_eq!(first.bytes, b"<repomd/>");
    assert_eq!(first.validators.etag.as_deref(), Some("\"v1\""));
    let again = session
        .small(
            "repodata/repomd.xml",
            100,
            Some(&first.validators),
            &place.cancel,
        )
        .await
        .unwrap();
    assert_eq!(again, Small::Unchanged);
    let other = Validators {
        etag: Some("\"v0\"".into()),
        last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".into()),
    };
    let changed = session
        .small("repodata/repomd.xml", 100, Some(&other), &place.cancel)
        .await
        .unwrap();
    assert!(matches!(changed, Small::Bytes(_)));
    let last = server.requests().pop().unwrap();
    assert_eq!(last.header("if-none-match"), Some("\"v0\""));
    assert_eq!(
        last.header("if-modified-since"),
        Some("Sun, 06 Nov 1994 08:49:37 GMT")
    );
}

#[tokio::test]
async fn small_files_have_a_limit() {
    for announced in [true, false] {
        let server = Server::start(move |_, _| {
            let reply = Reply::ok(vec![b'x'; 101]);
            if announced {
                reply
            } else {
                reply.framing(crate::server::Framing::Chunked)
            }
        })
        .await;
        let place = Place::new();
        let session = place.session(&Upstream::new(server.base())).await;
        let error = session
            .small("repomd.xml", 100, None, &place.cancel)
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { limit: 100, .. }),
            "{error}"
        );
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn unasked_304_is_an_error() {
    let server = Server::start(|_, _| Reply::new(304, "")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let error = session
        .small("repomd.xml", 100, None, &place.cancel)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 304, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_token_and_headers_are_sent_and_not_shown() {
    let server = Server::start(|_, number| {
        if number == 0 {
            Reply::ok("x")
        } else {
            Reply::new(403, "no")
        }
    })
    .await;
    let place = Place::new();
    let mut upstream = Upstream::new(server.base());
    upstream.basic_auth = Some(BasicAuth {
        user: "anna".into(),
        password: "s3cret:pass".into(),
    });
    upstream.token = Some("auth=t0ken&x=1".into());
    upstream.headers = vec![("X-Subscription".into(), "h3ader".into())];
    let session = place.session(&upstream).await;
    session
        .small("repodata/repomd.xml", 100, None, &place.cancel)
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.target, "/repo/repodata/repomd.xml?auth=t0ken&x=1");
    assert_eq!(
        request.header("authorization"),
        Some("Basic YW5uYTpzM2NyZXQ6cGFzcw==")
    );
    assert_eq!(request.header("x-subscription"), Some("h3ader"));

    let error = place
        .download(&session, &place.job("a.rpm", b"x"))
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?} {session:?} {:?}", session.addresses());
    for secret in ["s3cret", "t0ken", "h3ader"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(
        error.to_string().contains("403") && error.to_string().contains("/repo/a.rpm?…"),
        "{error}"
    );
    assert_eq!(server.count(), 2, "403 is not retried");
}

#[tokio::test]
async fn user_and_token_may_be_in_the_url() {
    let server = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let mut base = server.base();
    base.set_username("anna").unwrap();
    base.set_password(Some("p%40ss")).unwrap();
    base.set_query(Some("tok=1"));
    let session = place.session(&Upstream::new(base)).await;
    session.small("x", 100, None, &place.cancel).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.target, "/repo/x?tok=1");
    assert_eq!(request.header("authorization"), Some("Basic YW5uYTpwQHNz"));
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let place = Place::new();
    let start = |upstream: Upstream| {
        let fetcher = place.fetcher.clone();
        async move { fetcher.start(&upstream).await.unwrap_err().to_string() }
    };
    assert!(start(Upstream::default()).await.contains("--upstream"));
    let http = || Upstream::new(Url::parse("http://example.org/").unwrap());
    let mut upstream = http();
    upstream.headers = vec![("Range".into(), "bytes=1-".into())];
    assert!(start(upstream).await.contains("Range"));
    let mut upstream = http();
    upstream.headers = vec![("X".into(), "a\r\nEvil: 1".into())];
    assert!(start(upstream).await.contains("cannot be sent"));
    let upstream = Upstream::new(Url::parse("ftp://example.org/").unwrap());
    assert!(start(upstream).await.contains("only http, https and file"));
}

#[tokio::test]
async fn hostile_paths_make_no_request() {
    let server = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    for path in [
        "../x",
        "/x",
        "http://127.0.0.1/x",
        "a/%2e%2e/x",
        "file:/etc/passwd",
    ] {
        let job = Job::new(path, place.folder.path());
        let error = place.download(&session, &job).await.unwrap_err();
        assert!(matches!(error, Error::BadPath { .. }), "{error}");
        let error = session
            .small(path, 10, None, &place.cancel)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::BadPath { .. }), "{error}");
    }
    assert_eq!(server.count(), 0);
}
