//! The machine's consumer certificate: who the machine is at Candlepin.

use std::path::Path;

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

/// One DER element: tag, content, what follows.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        let length = digits
            .iter()
            .fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit));
        (length, rest)
    };
    if length > rest.len() {
        return None;
    }
    let (content, rest) = rest.split_at(length);
    Some((tag, content, rest))
}

/// The last common name (2.5.4.3) of the subject (RFC 5280, 4.1.2.6).
fn common_name(der: &[u8]) -> Option<String> {
    let (0x30, certificate, _) = element(der)? else {
        return None;
    };
    let (0x30, mut fields, _) = element(certificate)? else {
        return None;
    };
    if fields.first() == Some(&0xa0) {
        fields = element(fields)?.2;
    }
    // Serial number, signature, issuer, validity.
    for _ in 0..4 {
        fields = element(fields)?.2;
    }
    let (0x30, mut names, _) = element(fields)? else {
        return None;
    };
    let mut found = None;
    while let Some((0x31, set, rest)) = element(names) {
        names = rest;
        let (0x30, pair, _) = element(set)? else {
            return None;
        };
        let (0x06, kind, value) = element(pair)? else {
            return None;
        };
        if kind == [0x55, 0x04, 0x03] {
            let (_, text, _) = element(value)?;
            found = std::str::from_utf8(text).ok().map(str::to_owned);
        }
    }
    found.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_of_the_subject_is_found() {
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "acme");
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "1d0b7c9e-5f7a");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        assert_eq!(
            common_name(certificate.der()).as_deref(),
            Some("1d0b7c9e-5f7a")
        );
        for end in 0..certificate.der().len() {
            let _ = common_name(&certificate.der()[..end]);
        }
    }
}
