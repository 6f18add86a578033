//! TLS by rustls. The certificate's files are looked at every few seconds and taken anew when they changed, so that
//! a renewal needs no restart; a broken pair is logged and the old one stays.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::settings::TlsFiles;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is missing, unreadable or no PEM.
    #[error("{path}: {source}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls_pki_types::pem::Error,
    },
    /// No certificate in the file.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error("{certificate} and {key}: {source}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
    seen: RwLock<[Option<SystemTime>; 2]>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = times(&files);
        let config = read(&files)?;
        Ok(Self {
            files,
            config: RwLock::new(config),
            seen: RwLock::new(seen),
        })
    }

    /// The configuration for the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files and takes them when they changed. Whether it did.
    ///
    /// # Errors
    /// [`TlsError`] when they changed to something unusable; the old certificate stays in force.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let now = times(&self.files);
        if now == *self.seen.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(false);
        }
        let config = read(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(true)
    }
}

fn times(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| {
        std::fs::metadata(path)
            .and_then(|found| found.modified())
            .ok()
    })
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let pem = |path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::Pem { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(pem(&files.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(pem(&files.key))?;
    let pair = |source| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The cryptography in use: ring.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("c.pem"),
            key: folder.path().join("k.pem"),
        };
        let write = |age: u64| {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            std::fs::write(&files.certificate, made.cert.pem()).unwrap();
            std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + age);
            std::fs::File::options()
                .write(true)
                .open(&files.certificate)
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        write(0);
        let certificate = Certificate::load(files.clone()).unwrap();
        let first = certificate.config();
        assert!(!certificate.refresh().unwrap());
        write(10);
        assert!(certificate.refresh().unwrap());
        let second = certificate.config();
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::write(&files.key, "no key").unwrap();
        assert!(certificate.refresh().is_err());
        assert!(Arc::ptr_eq(&second, &certificate.config()));
        std::fs::write(&files.certificate, "").unwrap();
        assert!(matches!(
            Certificate::load(files),
            Err(TlsError::Empty(_) | TlsError::Pem { .. })
        ));
    }
}
