//! The machine's consumer certificate: who the machine is at Candlepin.

use std::path::Path;

use airlock_fetch::common_name;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Error, Result};

/// The certificate with its key, and the consumer's uuid.
pub(super) struct Consumer {
    /// Certificate and key in PEM.
    pub pem: Vec<u8>,
    /// The common name of the certificate.
    pub uuid: String,
}

impl Consumer {
    /// The consumer that `cert.pem` of the folder names; none on a machine that is not registered.
    pub fn name(folder: &Path) -> Option<String> {
        let pem = std::fs::read(folder.join("cert.pem")).ok()?;
        let der = CertificateDer::pem_slice_iter(&pem).next()?.ok()?;
        common_name(&der)
    }

    /// Reads `cert.pem` and `key.pem` of the folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let unregistered = || Error::Unregistered {
            reason: "Unable to read certificate, system is not registered or you are not root"
                .to_owned(),
        };
        let mut pem = std::fs::read(folder.join("cert.pem")).map_err(|_| unregistered())?;
        let der = CertificateDer::pem_slice_iter(&pem)
            .next()
            .and_then(std::result::Result::ok)
            .ok_or_else(|| Error::File {
                path: folder.join("cert.pem"),
                reason: "it holds no certificate in PEM form".to_owned(),
            })?;
        let uuid = common_name(&der).ok_or_else(|| Error::File {
            path: folder.join("cert.pem"),
            reason: "its subject has no common name, so the consumer is unknown".to_owned(),
        })?;
        pem.push(b'\n');
        pem.extend(std::fs::read(folder.join("key.pem")).map_err(|_| unregistered())?);
        Ok(Self { pem, uuid })
    }
}
