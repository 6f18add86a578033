//! Redirects: followed, but not anywhere and not with our secrets.

use airlock_fetch::{AddressClass, BasicAuth, Error, Job, Location, Upstream, Url};

use crate::place::{Place, assert_content};
use crate::server::{Reply, Server};

fn secretive(base: Url) -> Upstream {
    let mut upstream = Upstream::new(base);
    upstream.basic_auth = Some(BasicAuth {
        user: "anna".into(),
        password: "secret".into(),
    });
    upstream.token = Some("tok=1".into());
    upstream.headers = vec![("X-Key".into(), "k".into())];
    upstream
}

#[tokio::test]
async fn redirects_on_the_same_host_keep_the_credentials() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |request, _| match request.path() {
            "/repo/a" => Reply::redirect(status, "../other/a?sig=9#frag"),
            "/other/a" => Reply::ok("x"),
            other => panic!("{other}"),
        })
        .await;
        let place = Place::new();
        let session = place.session(&secretive(server.base())).await;
        let done = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap();
        assert_content(&done, b"x");
        let requests = server.requests();
        assert_eq!(requests[1].target, "/other/a?sig=9");
        assert!(requests[1].header("authorization").is_some());
        assert!(requests[1].header("x-key").is_some());
    }
}

#[tokio::test]
async fn another_host_gets_no_credentials() {
    let other = Server::start(|_, _| Reply::ok("x")).await;
    // Another port is another host: and the user in the target is the other side's invention.
    let mut target = other.named("cdn.test").join("a").unwrap();
    target.set_username("evil").unwrap();
    let server = Server::start(move |_, _| Reply::redirect(302, target.as_str())).await;
    let place = Place::new();
    place.names.set("up.test", &["127.0.0.1"]);
    place.names.set("cdn.test", &["127.0.0.1"]);
    let session = place.session(&secretive(server.named("up.test"))).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    let (first, second) = (&server.requests()[0], &other.requests()[0]);
    assert!(first.header("authorization").is_some() && first.target.contains("tok=1"));
    assert_eq!(second.target, "/repo/a");
    assert_eq!(second.header("authorization"), None);
    assert_eq!(second.header("x-key"), None);
    assert_eq!(second.header("referer"), None);
}

#[tokio::test]
async fn mirrors_get_the_token_but_no_password() {
    let server = Server::start(|_, _| Reply::new(404, "")).await;
    let mirror = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let mut upstream = secretive(server.base());
    upstream.mirrors = vec![Url::parse("file:///etc/").unwrap(), mirror.base()];
    let session = place.session(&upstream).await;
    assert_eq!(
        session.addresses().len(),
        2,
        "file: in a mirror list is left out"
    );
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    let request = &mirror.requests()[0];
    assert_eq!(request.target, "/repo/a?tok=1");
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("x-key"), None);
}

#[tokio::test]
async fn loops_end() {
    let server = Server::start(|_, _| Reply::redirect(302, "a")).await;
    let place = Place::new();
    let session = place.session(&Upstream::new(server.base())).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::TooManyRedirects { limit: 10, .. }),
        "{error}"
    );
    assert_eq!(server.count(), 11);
}

#[tokio::test]
async fn local_files_and_odd_schemes_are_refused() {
    for to in [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "data:,x",
        "http://",
    ] {
        let server = Server::start(move |_, _| Reply::redirect(302, to)).await;
        let place = Place::new();
        let session = place.session(&Upstream::new(server.base())).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::RedirectRefused { .. }),
            "{to}: {error}"
        );
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn inner_networks_are_refused() {
    for (to, class) in [
        (
            "http://169.254.169.254/latest/meta-data/",
            AddressClass::LinkLocal,
        ),
        ("http://10.1.2.3/", AddressClass::Private),
        ("http://[fd00::1]/", AddressClass::Private),
        ("http://inner.test/", AddressClass::Private),
        ("http://0.0.0.0/", AddressClass::Reserved),
        ("http://0xa9fea9fe/", AddressClass::LinkLocal),
    ] {
        let server = Server::start(move |_, _| Reply::redirect(302, to)).await;
        let place = Place::new();
        place.names.set("inner.test", &["192.168.7.7"]);
        let session = place.session(&Upstream::new(server.base())).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        match error {
            Error::AddressRefused { class: found, .. } => assert_eq!(found, class, "{to}"),
            other => panic!("{to}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_public_upstream_must_not_lead_to_this_machine() {
    let inner = Server::start(|_, _| Reply::ok("x")).await;
    for to in [inner.base(), inner.named("inner.test")] {
        let server = Server::start(move |_, _| Reply::redirect(302, to.as_str())).await;
        let place = Place::new();
        // Connects here, but counts as public afterwards: a test cannot have a public address.
        place.names.set("up.test", &["127.0.0.1", "8.8.8.8"]);
        place.names.set("inner.test", &["127.0.0.1"]);
        let session = place.session(&Upstream::new(server.named("up.test"))).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::AddressRefused {
                    class: AddressClass::Loopback,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(inner.count(), 0);
}

#[tokio::test]
async fn an_upstream_here_may_lead_to_here() {
    let inner = Server::start(|_, _| Reply::ok("x")).await;
    let to = inner.named("inner.test");
    let server = Server::start(move |_, _| Reply::redirect(302, to.as_str())).await;
    let place = Place::new();
    place.names.set("inner.test", &["127.0.0.1"]);
    let session = place.session(&Upstream::new(server.base())).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_eq!(inner.count(), 1);
}

#[tokio::test]
async fn mirrors_of_a_public_upstream_are_held_to_the_same_rule() {
    let inner = Server::start(|_, _| Reply::ok("x")).await;
    let server = Server::start(|_, _| Reply::new(404, "")).await;
    let place = Place::new();
    place.names.set("up.test", &["127.0.0.1", "8.8.8.8"]);
    let mut upstream = Upstream::new(server.named("up.test"));
    upstream.mirrors.push(inner.base());
    let session = place.session(&upstream).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("loopback"), "{error}");
    assert_eq!(inner.count(), 0);
}

#[tokio::test]
async fn absolute_locations_follow_the_same_rules() {
    let other = Server::start(|_, _| Reply::ok("x")).await;
    let server = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    let session = place.session(&secretive(server.base())).await;
    let at = |url: Url| Job {
        location: Location::Absolute(url),
        ..place.job("", b"x")
    };
    place
        .download(&session, &at(other.base().join("a").unwrap()))
        .await
        .unwrap();
    assert_eq!(other.requests()[0].header("authorization"), None);
    place
        .download(&session, &at(server.base().join("a").unwrap()))
        .await
        .unwrap();
    assert!(server.requests()[0].header("authorization").is_some());
    let error = place
        .download(&session, &at(Url::parse("file:///etc/passwd").unwrap()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadPath { .. }), "{error}");
    let error = place
        .download(
            &session,
            &at(Url::parse("http://169.254.169.254/x").unwrap()),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AddressRefused { .. }), "{error}");
}
