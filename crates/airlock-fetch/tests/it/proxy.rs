//! Proxies: plain requests forwarded, TLS tunnelled, logins.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use airlock_fetch::{Error, PemSource, Upstream, Url};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::place::{Place, assert_content};
use crate::server::{Reply, Server, read_head};
use crate::tls::Authority;

/// A proxy that tunnels every CONNECT to one server; gives its address and the log of what was asked.
async fn tunnel(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<(String, Option<String>)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&log);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&kept);
            tokio::spawn(async move {
                let request = read_head(&mut client).await.unwrap();
                assert_eq!(request.method, "CONNECT");
                let login = request.header("proxy-authorization").map(str::to_owned);
                log.lock().unwrap().push((request.target, login));
                let mut server = TcpStream::connect(to).await.unwrap();
                client
                    .write_all(b"HTTP/1.1 200 Tunnel\r\n\r\n")
                    .await
                    .unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, log)
}

#[tokio::test]
async fn plain_requests_go_through_the_proxy() {
    let proxy = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    // Only the proxy knows this name.
    let mut upstream = Upstream::new(Url::parse("http://only.proxy.test/repo/").unwrap());
    upstream.proxy = Some(Url::parse(&format!("http://me:pw@{}", proxy.address)).unwrap());
    let session = place.session(&upstream).await;
    let done = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_content(&done, b"x");
    let request = &proxy.requests()[0];
    assert_eq!(request.target, "http://only.proxy.test/repo/a");
    assert_eq!(
        request.header("proxy-authorization"),
        Some("Basic bWU6cHc=")
    );
}

#[tokio::test]
async fn tls_is_tunnelled() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("only.proxy.test", None), |_, _| {
        Reply::ok("x")
    })
    .await;
    let (proxy, log) = tunnel(server.address).await;
    let place = Place::new();
    let mut upstream = Upstream::new(Url::parse("https://only.proxy.test/repo/").unwrap());
    upstream.ca = Some(PemSource::Text(authority.pem()));
    upstream.proxy = Some(Url::parse(&format!("http://me:pw@{proxy}")).unwrap());
    let session = place.session(&upstream).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [(
            "only.proxy.test:443".to_owned(),
            Some("Basic bWU6cHc=".to_owned())
        )]
    );
    assert_eq!(server.requests()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_named_by_name_is_reached_wherever_it_is() {
    let proxy = Server::start(|_, _| Reply::ok("x")).await;
    let place = Place::new();
    place.names.set("proxy.test", &["127.0.0.1"]);
    let mut upstream = Upstream::new(Url::parse("http://only.proxy.test/repo/").unwrap());
    upstream.proxy =
        Some(Url::parse(&format!("http://proxy.test:{}", proxy.address.port())).unwrap());
    let session = place.session(&upstream).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refusing_proxy_is_told_apart() {
    let proxy = Server::start(|_, _| Reply::new(407, "who are you")).await;
    let place = Place::new();
    let mut upstream = Upstream::new(Url::parse("http://only.proxy.test/repo/").unwrap());
    upstream.proxy = Some(Url::parse(&format!("http://{}", proxy.address)).unwrap());
    let session = place.session(&upstream).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Status { status: 407, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("proxy"), "{error}");
    assert_eq!(proxy.count(), 1);
}

#[tokio::test]
async fn redirects_behind_a_proxy_are_checked_too() {
    for to in ["http://169.254.169.254/x", "http://inner.test/x"] {
        let proxy = Server::start(move |_, _| Reply::redirect(302, to)).await;
        let place = Place::new();
        place.names.set("inner.test", &["10.0.0.9"]);
        let mut upstream = Upstream::new(Url::parse("http://only.proxy.test/repo/").unwrap());
        upstream.proxy = Some(Url::parse(&format!("http://{}", proxy.address)).unwrap());
        let session = place.session(&upstream).await;
        let error = place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::AddressRefused { .. }), "{error}");
        assert_eq!(proxy.count(), 1);
    }
}
