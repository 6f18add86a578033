//! The data folder, the local socket, TLS, and the end.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use airlock_server::settings::Layer;
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use tokio::io::AsyncReadExt;

use crate::client::{PASSWORD, exchange, request, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_private_and_holds_one_server() {
    let server = start().await;
    let mode = |name: &str| {
        std::fs::metadata(server.folder().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("."), 0o700);
    assert_eq!(mode("airlock.sock"), 0o600);
    assert_eq!(mode("initial-password"), 0o600);
    for name in ["airlock.db", "airlock.db-wal", "airlock.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(
        std::fs::read_to_string(server.folder().join("initial-password"))
            .unwrap()
            .trim(),
        PASSWORD
    );
    let layer = Layer {
        data: Some(server.folder()),
        listen: Some("127.0.0.1:0".into()),
        ..Layer::default()
    };
    let second = airlock_server::serve_until(layer.settle().unwrap(), None, async {})
        .await
        .unwrap_err();
    assert!(
        second.to_string().contains("another airlock server"),
        "{second}"
    );
    let who = server.admin("GET", "/api/v1/whoami", "").await.json();
    assert_eq!(who["role"], "administrator");
    assert!(who["principal"].as_str().unwrap().starts_with("local:"));
    let folder = server.folder();
    server.stop().await;
    assert!(!folder.exists() || !folder.join("airlock.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_answer_without_a_token() {
    let server = start().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            server.call("GET", path, None, "").await.status,
            200,
            "{path}"
        );
    }
    let text = String::from_utf8(server.call("GET", "/metrics", None, "").await.body).unwrap();
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
    assert_eq!(server.call("GET", "/ca.pem", None, "").await.status, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_by_setting() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let server = start_with(|folder| {
        std::fs::write(folder.join("c.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).unwrap();
        Layer {
            tls_certificate: Some(folder.join("c.pem")),
            tls_key: Some(folder.join("k.pem")),
            tls_ca: Some(folder.join("c.pem")),
            client_ca_path: Some("/etc/pki/airlock.pem".into()),
            ..Layer::default()
        }
    })
    .await;
    assert_eq!(
        server
            .admin("POST", "/api/v1/channels", "{\"label\":\"own-tools\"}")
            .await
            .status,
        201
    );
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap())
        .unwrap();
    let config = rustls::ClientConfig::builder_with_provider(airlock_server::tls_provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let get = |path: &'static str| {
        let connector = connector.clone();
        let address = server.address.clone();
        async move {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let stream = connector
                .connect(ServerName::try_from("localhost").unwrap(), stream)
                .await
                .unwrap();
            exchange(stream, &request("GET", path, None, "", "")).await
        }
    };
    assert_eq!(get("/healthz").await.status, 200);
    assert_eq!(get("/ca.pem").await.body, made.cert.pem().as_bytes());
    let text = String::from_utf8(get("/repos/own-tools.repo").await.body).unwrap();
    assert!(
        text.contains("baseurl=https://test/repos/own-tools@$airlock_at/"),
        "{text}"
    );
    assert!(text.contains("sslcacert=/etc/pki/airlock.pem"), "{text}");
    // Plain HTTP gets no answer on this port.
    let mut plain = tokio::net::TcpStream::connect(&server.address)
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET /healthz HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP/1"), "{bytes:?}");
    server.stop().await;
}

/// Sends a byte a while and returns what came back until the server closed.
async fn drip(address: &str, first: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    for _ in 0..200 {
        let read = tokio::time::timeout(
            std::time::Duration::from_millis(300),
            stream.read_buf(&mut bytes),
        );
        match read.await {
            Err(_) => {}
            Ok(Ok(length)) if length > 0 => {}
            Ok(_) => return String::from_utf8(bytes).unwrap(),
        }
        let _ = stream.write_all(b"x").await;
    }
    panic!("still open: {first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_holds_a_connection_by_sending_slowly() {
    let server = start().await;
    let login = "POST /api/v1/login HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{";
    let (lane, general, body) = tokio::join!(
        drip(&server.address, "GET /repos/"),
        drip(&server.address, "GET /healthz HTTP/1.1\r\nHost: "),
        drip(&server.address, login),
    );
    assert_eq!(lane, "");
    assert!(
        general.is_empty() || general.starts_with("HTTP/1.1 4"),
        "{general}"
    );
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    let large = format!("{{\"login\":\"{}\"", "x".repeat(20_000));
    let refused = server.call("POST", "/api/v1/login", None, &large).await;
    assert_eq!(refused.status, 413, "{refused:?}");
    server.stop().await;
}

/// Starts a server with that database, which is not there, until `end` ends.
async fn with_database(
    port: u16,
    end: impl Future<Output = ()>,
) -> Result<(), airlock_server::ServeError> {
    let folder = tempfile::tempdir().unwrap();
    let layer = Layer {
        data: Some(folder.path().to_owned()),
        listen: Some("127.0.0.1:0".into()),
        database_url: Some(format!("postgres://u:s3cret@127.0.0.1:{port}/airlock")),
        ..Layer::default()
    };
    airlock_server::serve_until(layer.settle().unwrap(), None, end).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    // One that takes connections and says nothing does not keep the server from ending.
    with_database(port, std::future::ready(())).await.unwrap();
    drop(taken);
    let error = with_database(port, std::future::pending())
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(error.hint().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_password_is_checked_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let layer = Layer {
        data: Some(folder.path().to_owned()),
        listen: Some("127.0.0.1:0".into()),
        ..Layer::default()
    };
    let settings = layer.settle().unwrap();
    let serving = airlock_server::serve_until(settings, Some("a".into()), std::future::pending());
    let error = tokio::time::timeout(std::time::Duration::from_secs(60), serving)
        .await
        .expect("the server does not start")
        .unwrap_err();
    assert!(error.to_string().contains("12"), "{error}");
    assert!(!folder.path().join("initial-password").exists());
}
