//! TLS: private authorities, client certificates, downgrade.

use std::path::Path;
use std::sync::Arc;

use airlock_fetch::{ClientCertificate, Error, PemSource, Upstream};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::place::{Place, assert_content};
use crate::server::{Reply, Server};

/// A certificate authority made for one test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host name or address, as (certificate, key) in PEM.
    fn issue(
        &self,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
        year: i32,
    ) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        params.not_after = date_time_ymd(year, 3, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A server's settings; with `clients` it wants a certificate of that authority.
    pub fn server(&self, name: &str, clients: Option<&Authority>) -> rustls::ServerConfig {
        let (certificate, key) = self.issue(name, ExtendedKeyUsagePurpose::ServerAuth, 2090);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    /// Writes a client certificate that ends on 1 March of `year`, and its key.
    fn write_client(&self, folder: &Path, year: i32) -> ClientCertificate {
        let (certificate, key) = self.issue("client", ExtendedKeyUsagePurpose::ClientAuth, year);
        let paths = (folder.join("client.crt"), folder.join("client.key"));
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        ClientCertificate {
            certificate: PemSource::File(paths.0),
            key: PemSource::File(paths.1),
        }
    }
}

fn trusting(server: &Server, authority: &Authority) -> Upstream {
    let mut upstream = Upstream::new(server.base());
    upstream.ca = Some(PemSource::Text(authority.pem()));
    upstream
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_named() {
    let authority = Authority::new();
    let server =
        Server::start_tls(authority.server("127.0.0.1", None), |_, _| Reply::ok("x")).await;
    let place = Place::new();
    let session = place.session(&trusting(&server, &authority)).await;
    let done = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_content(&done, b"x");

    let session = place.session(&trusting(&server, &Authority::new())).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    assert!(
        place.rests().is_empty(),
        "a certificate does not get better by waiting"
    );

    let mut upstream = trusting(&server, &Authority::new());
    upstream.insecure = true;
    let session = place.session(&upstream).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server =
        Server::start_tls(authority.server("other.test", None), |_, _| Reply::ok("x")).await;
    let place = Place::new();
    let session = place.session(&trusting(&server, &authority)).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn the_client_certificate_is_shown_to_the_upstream_only() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let other = Server::start_tls(authority.server("127.0.0.1", Some(&clients)), |_, _| {
        Reply::ok("x")
    })
    .await;
    let to = other.base();
    let server = Server::start_tls(
        authority.server("127.0.0.1", Some(&clients)),
        move |request, _| {
            if request.path() == "/repo/far" {
                Reply::redirect(302, to.as_str())
            } else {
                Reply::ok("x")
            }
        },
    )
    .await;
    let place = Place::new();
    let mut upstream = trusting(&server, &authority);
    upstream.client_certificate = Some(clients.write_client(place.folder.path(), 2080));
    let session = place.session(&upstream).await;
    place
        .download(&session, &place.job("near", b"x"))
        .await
        .unwrap();
    place
        .download(&session, &place.job("far", b"x"))
        .await
        .unwrap();
    assert!(server.requests().iter().all(|request| request.certificate));
    assert!(
        !other.requests()[0].certificate,
        "another host must not see the certificate"
    );
}

#[tokio::test]
async fn the_client_certificate_is_read_again_and_its_end_is_known() {
    // 1 March, 00:00:00 UTC, of each year in seconds; the later one is a GeneralizedTime.
    const ENDS: [(i32, i64); 2] = [(2040, 2_214_172_800), (2080, 3_476_476_800)];
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start_tls(authority.server("127.0.0.1", Some(&clients)), |_, _| {
        Reply::ok("x")
    })
    .await;
    let place = Place::new();
    let mut upstream = trusting(&server, &authority);
    for (year, end) in ENDS {
        upstream.client_certificate = Some(clients.write_client(place.folder.path(), year));
        let session = place.session(&upstream).await;
        let expiry = session.client_certificate_expiry().unwrap();
        assert_eq!(expiry.not_after, end);
        assert_eq!(expiry.days_left(end - 30 * 86_400), 30);
        place
            .download(&session, &place.job("a", b"x"))
            .await
            .unwrap();
    }
    assert!(server.requests().iter().all(|request| request.certificate));
    assert_eq!(
        place
            .session(&Upstream::new(server.base()))
            .await
            .client_certificate_expiry(),
        None
    );
}

#[tokio::test]
async fn one_file_may_hold_certificate_and_key_among_other_parts() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = Server::start_tls(authority.server("127.0.0.1", Some(&clients)), |_, _| {
        Reply::ok("x")
    })
    .await;
    let place = Place::new();
    let parts = clients.write_client(place.folder.path(), 2040);
    let read = |name: &str| std::fs::read_to_string(place.folder.path().join(name)).unwrap();
    let entitlement =
        "-----BEGIN ENTITLEMENT DATA-----\neJwzNDI=\n-----END ENTITLEMENT DATA-----\n";
    let both = PemSource::Text(format!(
        "{}{entitlement}{}",
        read("client.crt"),
        read("client.key")
    ));
    drop(parts);
    let mut upstream = trusting(&server, &authority);
    upstream.client_certificate = Some(ClientCertificate {
        certificate: both.clone(),
        key: both,
    });
    let session = place.session(&upstream).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert!(server.requests()[0].certificate);
}

#[tokio::test]
async fn bad_certificate_files_are_named() {
    let place = Place::new();
    let clients = Authority::new();
    let good = clients.write_client(place.folder.path(), 2040);
    let junk = place.folder.path().join("junk.pem");
    std::fs::write(&junk, "no PEM at all").unwrap();
    // Nobody writes to the pipe, and the large file has one good certificate.
    let pipe = place.folder.path().join("pipe.pem");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let large = place.folder.path().join("large.pem");
    std::fs::write(&large, clients.pem() + &"\n".repeat(1 << 20)).unwrap();
    let base = || Upstream::new("https://127.0.0.1:1/".parse().unwrap());
    let fails = |upstream: Upstream| {
        let fetcher = place.fetcher.clone();
        async move { fetcher.start(&upstream).await.unwrap_err().to_string() }
    };
    let mut upstream = base();
    upstream.ca = Some(PemSource::File(junk.clone()));
    assert!(fails(upstream).await.contains("junk.pem"));
    for (certificate, key, named) in [
        (PemSource::File(junk.clone()), good.key.clone(), "junk.pem"),
        (PemSource::File(pipe), good.key.clone(), "no plain file"),
        (
            PemSource::File("/dev/zero".into()),
            good.key.clone(),
            "no plain file",
        ),
        (
            PemSource::File(large),
            good.key.clone(),
            "larger than 1 MiB",
        ),
        (
            good.certificate.clone(),
            PemSource::File(junk.clone()),
            "junk.pem",
        ),
        (
            good.certificate.clone(),
            PemSource::File("/nonexistent.key".into()),
            "/nonexistent.key",
        ),
    ] {
        let mut upstream = base();
        upstream.ca = Some(PemSource::Text(clients.pem()));
        upstream.client_certificate = Some(ClientCertificate { certificate, key });
        let text = fails(upstream).await;
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn https_does_not_become_http() {
    let authority = Authority::new();
    let plain = Server::start(|_, _| Reply::ok("x")).await;
    let to = plain.base();
    let server = Server::start_tls(authority.server("127.0.0.1", None), move |_, _| {
        Reply::redirect(301, to.as_str())
    })
    .await;
    let place = Place::new();
    let session = place.session(&trusting(&server, &authority)).await;
    let error = place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::RedirectRefused { .. }), "{error}");
    assert_eq!(plain.count(), 0);
}

#[tokio::test]
async fn http_may_become_https() {
    let authority = Authority::new();
    let secure =
        Server::start_tls(authority.server("127.0.0.1", None), |_, _| Reply::ok("x")).await;
    let to = secure.base();
    let server = Server::start(move |_, _| Reply::redirect(301, to.as_str())).await;
    let place = Place::new();
    let session = place.session(&trusting(&server, &authority)).await;
    place
        .download(&session, &place.job("a", b"x"))
        .await
        .unwrap();
    assert_eq!(secure.count(), 1);
}
