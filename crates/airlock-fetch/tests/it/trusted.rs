//! Servers known by a file of certificates: chain, pinned certificate, names, dates, keys.

use std::path::Path;
use std::sync::Arc;

use airlock_fetch::{TrustedServer, speaks_only_old_tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Always the same certificate and key, whether they belong together or not.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A certificate with a common name and perhaps alternative names, not yet signed.
fn named(common: &str, alternative: &[&str]) -> CertificateParams {
    let names: Vec<String> = alternative.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common);
    parameters
}

/// As `openssl req -x509` makes it: it says to be an authority, and has a common name only.
fn stock(common: &str) -> CertificateParams {
    let mut parameters = named(common, &[]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

/// One handshake with a server that shows `certificate` and signs with `key`.
async fn handshake(
    trusted: TrustedServer,
    host: &str,
    certificate: &rcgen::Certificate,
    key: &KeyPair,
) -> Result<(), String> {
    let provider = rustls::crypto::ring::default_provider();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shows = Shows(Arc::new(CertifiedKey::new(
        vec![certificate.der().clone()],
        key,
    )));
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shows));
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let config = trusted.client_config(None).unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let (near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move { acceptor.accept(far).await.map(drop) });
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let outcome = connector.connect(name, near).await;
    let outcome = outcome.map(drop).map_err(|error| error.to_string());
    let _ = serving.await;
    outcome
}

fn trusting(pem: &str) -> TrustedServer {
    TrustedServer::from_pem(Path::new("ca.crt"), pem.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_certificate_in_the_file_is_the_server_itself() {
    let key = KeyPair::generate().unwrap();
    let certificate = stock("bcfg2.test").self_signed(&key).unwrap();
    let pem = certificate.pem();
    let outcome = handshake(trusting(&pem), "bcfg2.test", &certificate, &key).await;
    assert_eq!(outcome, Ok(()));

    // Another name; another name that was expected; the expected name under an address.
    let outcome = handshake(trusting(&pem), "other.test", &certificate, &key).await;
    let error = outcome.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
    assert!(error.contains("bcfg2.test"), "{error}");
    let names = |name: &str| trusting(&pem).names(vec![name.to_owned()]);
    let outcome = handshake(names("other.test"), "bcfg2.test", &certificate, &key).await;
    assert!(outcome.unwrap_err().contains("bcfg2.test"));
    let outcome = handshake(names("BCFG2.test"), "127.0.0.1", &certificate, &key).await;
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn showing_the_certificate_without_its_key_is_not_enough() {
    let key = KeyPair::generate().unwrap();
    let certificate = stock("bcfg2.test").self_signed(&key).unwrap();
    let thief = KeyPair::generate().unwrap();
    let trusted = trusting(&certificate.pem());
    let outcome = handshake(trusted, "bcfg2.test", &certificate, &thief).await;
    assert!(outcome.unwrap_err().contains("BadSignature"));
}

#[tokio::test]
async fn a_copy_with_another_key_is_another_certificate() {
    let key = KeyPair::generate().unwrap();
    let certificate = stock("bcfg2.test").self_signed(&key).unwrap();
    let other_key = KeyPair::generate().unwrap();
    let other = stock("bcfg2.test").self_signed(&other_key).unwrap();
    let trusted = trusting(&certificate.pem());
    assert!(
        handshake(trusted, "bcfg2.test", &other, &other_key)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn dates_count_for_a_certificate_in_the_file() {
    for (from, to, word) in [(1990, 2001, "Expired"), (2200, 2210, "NotValidYet")] {
        let key = KeyPair::generate().unwrap();
        let mut parameters = stock("bcfg2.test");
        parameters.not_before = date_time_ymd(from, 1, 1);
        parameters.not_after = date_time_ymd(to, 1, 1);
        let certificate = parameters.self_signed(&key).unwrap();
        let trusted = trusting(&certificate.pem());
        let error = handshake(trusted, "bcfg2.test", &certificate, &key).await;
        let error = error.unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn an_authority_of_the_file_vouches_for_others() {
    let authority = CertifiedIssuer::self_signed(stock("CA"), KeyPair::generate().unwrap());
    let authority = authority.unwrap();
    let key = KeyPair::generate().unwrap();
    let with_names = named("old.test", &["a.test", "b.test"]);
    let with_names = with_names.signed_by(&key, &authority).unwrap();
    let common_only = named("c.test", &[]).signed_by(&key, &authority).unwrap();
    let trusted = || trusting(&authority.pem());
    for (host, certificate, good) in [
        ("a.test", &with_names, true),
        ("b.test", &with_names, true),
        ("c.test", &with_names, false),
        // The common name counts only where it is the only one.
        ("old.test", &with_names, false),
        ("c.test", &common_only, true),
        ("d.test", &common_only, false),
    ] {
        let outcome = handshake(trusted(), host, certificate, &key).await;
        assert_eq!(outcome.is_ok(), good, "{host}: {outcome:?}");
    }
    let named_so = trusted().names(vec!["x.test".into(), "old.test".into()]);
    let outcome = handshake(named_so, "elsewhere.test", &with_names, &key).await;
    assert_eq!(outcome, Ok(()));

    let stranger = CertifiedIssuer::self_signed(stock("CA"), KeyPair::generate().unwrap());
    let trusted = trusting(&stranger.unwrap().pem());
    assert!(
        handshake(trusted, "a.test", &with_names, &key)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_in_the_file_vouches_for_nobody_else() {
    let mut parameters = named("leaf.test", &[]);
    parameters.is_ca = IsCa::ExplicitNoCa;
    let leaf = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let signed = named("victim.test", &["victim.test"])
        .signed_by(&key, &leaf)
        .unwrap();
    let outcome = handshake(trusting(&leaf.pem()), "victim.test", &signed, &key).await;
    assert!(outcome.is_err(), "{outcome:?}");
}

#[tokio::test]
async fn servers_with_old_tls_only_are_told_apart() {
    let alert: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];
    // A ServerHello of TLS 1.0: version, 32 random bytes, no session, a cipher, no compression.
    let mut hello = vec![0x16, 0x03, 0x01, 0, 42, 0x02, 0, 0, 38, 0x03, 0x01];
    hello.extend([7; 32]);
    hello.extend([0, 0x00, 0x2f, 0]);
    let other: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50];
    for (answer, old) in [(alert, true), (&hello, true), (other, false)] {
        let key = KeyPair::generate().unwrap();
        let certificate = stock("bcfg2.test").self_signed(&key).unwrap();
        let config = trusting(&certificate.pem()).client_config(None).unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let name = ServerName::try_from("bcfg2.test").unwrap();
        let connecting = connector.connect(name, near);
        let answering = async {
            let _ = far.read(&mut [0; 4096]).await;
            far.write_all(answer).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(connecting, answering);
        let error = outcome.unwrap_err();
        assert_eq!(speaks_only_old_tls(&error), old, "{error}");
    }
}

#[test]
fn files_without_certificates_are_refused() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n"] {
        assert!(TrustedServer::from_pem(Path::new("ca.crt"), pem.as_bytes()).is_err());
    }
}
