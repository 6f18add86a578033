//! Servers that are known by a file of certificates: by their authority, or by their own certificate.
//!
//! Appliances and old servers sign their certificate themselves and name themselves in its common name only. Such a
//! certificate is no authority's, or an authority's that is used as a server's; the usual check refuses both. Where an
//! administrator has put exactly this certificate into the file, it is the server that is meant.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, PeerIncompatible,
    RootCertStore, SignatureScheme,
};

use crate::certificate::{common_name, is_authority, validity};
use crate::error::{Error, Result};
use crate::upstream::PemSource;

/// Takes a server whose certificate an authority of the file has signed, or whose certificate stands in the file itself,
/// byte by byte. In both cases the dates must hold, the server must have the key (it signs the handshake), and its name
/// must be right.
///
/// The name is the host that is called, or one of [`TrustedServer::names`] where there are any. Alternative names of the
/// certificate count, and its common name, unless an authority of this machine vouches for it: always where names were
/// given, else only where the certificate has no alternative names (RFC 6125, 6.4.4).
///
/// ```no_run
/// # fn example() -> airlock_fetch::Result<()> {
/// use airlock_fetch::TrustedServer;
///
/// let tls = TrustedServer::from_file("/etc/bcfg2-ca.crt".as_ref())?
///     .names(vec!["bcfg2.example.org".to_owned()])
///     .client_config(None)?;
/// // reqwest: Client::builder().tls_backend_preconfigured(tls)
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TrustedServer {
    pinned: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
    /// Authorities of this machine. They vouch for alternative names only: what they may not sign is told of these names.
    machine: RootCertStore,
    names: Vec<String>,
    provider: Arc<CryptoProvider>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl TrustedServer {
    /// Trusts the certificates of a PEM file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::from_pem(path, &PemSource::File(path.to_owned()).read()?)
    }

    /// Trusts the certificates of a PEM text; `path` is where it came from, for messages.
    ///
    /// # Errors
    /// It is no PEM, or holds no certificate.
    pub fn from_pem(path: &Path, pem: &[u8]) -> Result<Self> {
        let pinned = certificates(path, pem)?;
        let mut roots = RootCertStore::empty();
        // Who is no authority vouches for nobody else: it is only pinned.
        let authorities = pinned.iter().filter(|der| is_authority(der)).cloned();
        roots.add_parsable_certificates(authorities);
        Ok(Self::new(pinned, roots))
    }

    /// Trusts the authorities of this machine (the files of the package ca-certificates, or `SSL_CERT_FILE`), and no
    /// server's own certificate.
    #[must_use]
    pub fn of_machine() -> Self {
        Self::new(Vec::new(), RootCertStore::empty()).and_machine()
    }

    /// Trusts the authorities of this machine as well.
    #[must_use]
    pub fn and_machine(mut self) -> Self {
        let found = rustls_native_certs::load_native_certs();
        self.machine.add_parsable_certificates(found.certs);
        self
    }

    fn new(pinned: Vec<CertificateDer<'static>>, roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self {
            pinned,
            roots,
            machine: RootCertStore::empty(),
            names: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
            provider,
        }
    }

    /// The server has one of these names, whatever it is called by. An empty list changes nothing.
    #[must_use]
    pub fn names(mut self, names: Vec<String>) -> Self {
        self.names = names;
        self
    }

    /// TLS settings with this check, for `reqwest::ClientBuilder::tls_backend_preconfigured`; with a client certificate
    /// where one is given (both PEM, with the path for messages).
    ///
    /// # Errors
    /// The client's certificate or key cannot be used.
    pub fn client_config(self, identity: Option<Identity<'_>>) -> Result<ClientConfig> {
        let bad = |path: &Path, reason| Error::Certificate {
            path: path.to_owned(),
            reason,
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| bad(Path::new("TLS"), "no version of TLS is available"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self));
        let Some(identity) = identity else {
            return Ok(builder.with_no_client_auth());
        };
        let (path, pem) = identity.certificate;
        let chain = certificates(path, pem)?;
        let (path, pem) = identity.key;
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            bad(
                path,
                "holds no usable private key in PEM form (encrypted keys must be decrypted first)",
            )
        })?;
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|_| bad(path, "the private key does not belong to the certificate"))
    }

    fn is_named(
        &self,
        der: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        host: &ServerName<'_>,
        common_name_counts: bool,
    ) -> std::result::Result<(), rustls::Error> {
        let common = common_name(der).filter(|_| common_name_counts);
        let is_common = |name: &str| {
            common
                .as_deref()
                .is_some_and(|common| common.eq_ignore_ascii_case(name))
        };
        if self.names.is_empty() {
            let failure = match verify_server_name(parsed, host) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // Only a certificate that has alternative names lists them here.
            let only_common = matches!(
                &failure,
                rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
                    if presented.is_empty()
            );
            if !only_common {
                return Err(failure);
            }
            if is_common(&host.to_str()) {
                return Ok(());
            }
        }
        for name in &self.names {
            let alternative = ServerName::try_from(name.as_str())
                .is_ok_and(|name| verify_server_name(parsed, &name).is_ok());
            if alternative || is_common(name) {
                return Ok(());
            }
        }
        Err(CertificateError::NotValidForNameContext {
            expected: host.to_owned(),
            presented: common.into_iter().collect(),
        }
        .into())
    }
}

/// A client certificate and its key, each with the path that it came from and its PEM text.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, with its chain.
    pub certificate: (&'a Path, &'a [u8]),
    /// The private key.
    pub key: (&'a Path, &'a [u8]),
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let bad = |reason| Error::Certificate {
        path: path.to_owned(),
        reason,
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| bad("is not valid PEM"))?;
    if found.is_empty() {
        return Err(bad("holds no certificate in PEM form"));
    }
    Ok(found)
}

/// That a certificate holds now.
fn holds(der: &[u8], now: UnixTime) -> std::result::Result<(), rustls::Error> {
    let (from, to) = validity(der).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < from {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > to {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

impl ServerCertVerifier for TrustedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let signed_by = |roots| {
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                roots,
                intermediates,
                now,
                self.algorithms.all,
            )
        };
        let mut common_name_counts = true;
        if self.pinned.iter().any(|one| one == end_entity) {
            holds(end_entity, now)?;
        } else if let Err(error) = signed_by(&self.roots) {
            if self.machine.is_empty() {
                return Err(error);
            }
            signed_by(&self.machine)?;
            common_name_counts = false;
        }
        self.is_named(end_entity, &parsed, server_name, common_name_counts)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// True where a connection failed because the server has no TLS newer than 1.1.
#[must_use]
pub fn speaks_only_old_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut below = Some(error);
    while let Some(one) = below {
        if let Some(tls) = one.downcast_ref::<rustls::Error>() {
            return matches!(
                tls,
                rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
                    | rustls::Error::PeerIncompatible(
                        PeerIncompatible::ServerDoesNotSupportTls12Or13
                            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                    )
            );
        }
        // What an I/O error holds is not its source: the source of what it holds is.
        let inner = one.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is_some_and(|inner| speaks_only_old_tls(inner)) {
            return true;
        }
        below = one.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa,
        KeyPair,
    };

    use super::*;

    /// Without alternative names.
    fn named(common: &str) -> CertificateParams {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common);
        parameters
    }

    #[test]
    fn authorities_of_the_machine_vouch_for_no_common_name() {
        let mut authority = named("An Authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = named("repo.example.org")
            .signed_by(&key, &authority)
            .unwrap();
        let mut of_file = RootCertStore::empty();
        of_file.add(authority.as_ref().der().clone()).unwrap();
        let by_file = TrustedServer::new(Vec::new(), of_file.clone());
        let mut by_machine = TrustedServer::new(Vec::new(), RootCertStore::empty());
        by_machine.machine = of_file;
        let verify = |trusted: &TrustedServer| {
            let host = ServerName::try_from("repo.example.org").unwrap();
            trusted.verify_server_cert(server.der(), &[], &host, &[], UnixTime::now())
        };
        assert!(verify(&by_file).is_ok());
        let refused = verify(&by_machine).unwrap_err();
        assert!(
            matches!(
                refused,
                rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
            ),
            "{refused:?}"
        );
        let called_by_name = by_machine.names(vec!["repo.example.org".to_owned()]);
        assert!(verify(&called_by_name).is_err());
    }
}
