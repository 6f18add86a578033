//! Client certificates and trusted authorities.

use std::sync::Once;

use reqwest::{Certificate, Identity};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::{Error, Result};
use crate::upstream::{ClientCertificate, PemSource};

/// When a client certificate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// `notAfter` in seconds since 1970-01-01 UTC.
    pub not_after: i64,
}

impl Expiry {
    /// Whole days left at `now` (seconds since 1970-01-01 UTC); negative once it has expired.
    #[must_use]
    pub fn days_left(self, now: i64) -> i64 {
        self.not_after.saturating_sub(now).div_euclid(86_400)
    }
}

/// Makes the `ring` provider the process's TLS provider, unless another part has chosen one before.
pub(crate) fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error only means that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Reads a client certificate with its key, and when it ends.
pub(crate) fn load_identity(source: &ClientCertificate) -> Result<(Identity, Expiry)> {
    let bad = |of: &PemSource, reason| Error::Certificate {
        path: of.shown().to_owned(),
        reason,
    };
    let mut pem = source.certificate.read()?;
    let first = CertificateDer::pem_slice_iter(&pem)
        .next()
        .and_then(std::result::Result::ok)
        .ok_or_else(|| bad(&source.certificate, "holds no certificate in PEM form"))?;
    let not_after = not_after(&first).ok_or_else(|| {
        bad(
            &source.certificate,
            "the certificate cannot be read (bad DER)",
        )
    })?;
    if source.key != source.certificate {
        pem.push(b'\n');
        pem.extend(source.key.read()?);
    }
    let identity = Identity::from_pem(&pem).map_err(|_| {
        bad(
            &source.key,
            "holds no usable private key in PEM form (encrypted keys must be decrypted first)",
        )
    })?;
    Ok((identity, Expiry { not_after }))
}

/// The authorities of a CA file.
pub(crate) fn load_ca(source: &PemSource) -> Result<Vec<Certificate>> {
    let bad = |reason| Error::Certificate {
        path: source.shown().to_owned(),
        reason,
    };
    let certificates = Certificate::from_pem_bundle(&source.read()?)
        .map_err(|_| bad("the CA file is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(bad("the CA file holds no certificate in PEM form"));
    }
    Ok(certificates)
}

/// The machine's authorities (the files of the package ca-certificates, or `SSL_CERT_FILE`).
pub(crate) fn machine_roots() -> Vec<Certificate> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some trusted certificate authorities cannot be read");
    }
    found
        .certs
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect()
}

/// One DER element: tag, content, and what follows it. Lengths above 64 MiB do not occur in certificates.
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
        (
            digits
                .iter()
                .fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit)),
            rest,
        )
    };
    if length > rest.len() {
        return None;
    }
    let (content, rest) = rest.split_at(length);
    Some((tag, content, rest))
}

/// The last common name (2.5.4.3) of the subject (RFC 5280, 4.1.2.6).
#[must_use]
pub fn common_name(der: &[u8]) -> Option<String> {
    let mut fields = fields(der)?;
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

/// `notAfter` of an X.509 certificate (RFC 5280, 4.1), in seconds since 1970.
fn not_after(der: &[u8]) -> Option<i64> {
    validity(der).map(|(_, end)| end)
}

/// `notBefore` and `notAfter` of an X.509 certificate (RFC 5280, 4.1), in seconds since 1970.
pub(crate) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let mut fields = fields(der)?;
    // The version is the only field that may be absent before the validity.
    if fields.first() == Some(&0xa0) {
        fields = element(fields)?.2;
    }
    let (0x02, _serial, fields) = element(fields)? else {
        return None;
    };
    let (0x30, _signature, fields) = element(fields)? else {
        return None;
    };
    let (0x30, _issuer, fields) = element(fields)? else {
        return None;
    };
    let (0x30, validity, _) = element(fields)? else {
        return None;
    };
    let (tag, text, rest) = element(validity)?;
    let not_before = time(tag, text)?;
    let (tag, text, _) = element(rest)?;
    Some((not_before, time(tag, text)?))
}

/// A time of RFC 5280, 4.1.2.5.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        // UTCTime: two digits, 50 to 99 are the last century.
        0x17 => {
            let year = number(text.get(..2)?)?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                text.get(2..)?,
            )
        }
        0x18 => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| number(rest.get(at..at + 2)?);
    crate::http_date::seconds(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?)
}

/// True where the certificate may sign others: basic constraints (2.5.29.19) with `cA`; or it is of the first version,
/// which has no extensions, and its own issuer. Everything else, also what cannot be read, vouches for itself only.
pub(crate) fn is_authority(der: &[u8]) -> bool {
    match extensions(der) {
        Some(extensions) => basic_constraints(extensions).is_some_and(|constraints| {
            matches!(element(constraints), Some((0x30, content, _)) if content.starts_with(&[0x01, 0x01, 0xff]))
        }),
        None => is_first_version_and_own_issuer(der).unwrap_or(false),
    }
}

fn is_first_version_and_own_issuer(der: &[u8]) -> Option<bool> {
    let fields = fields(der)?;
    // The version is written from the second on.
    let (0x02, _, fields) = element(fields)? else {
        return Some(false);
    };
    let (_, _, fields) = element(fields)?;
    let (0x30, issuer, fields) = element(fields)? else {
        return None;
    };
    let (_, _, fields) = element(fields)?;
    let (0x30, subject, _) = element(fields)? else {
        return None;
    };
    Some(issuer == subject)
}

/// The fields of a certificate.
fn fields(der: &[u8]) -> Option<&[u8]> {
    let (0x30, certificate, _) = element(der)? else {
        return None;
    };
    match element(certificate)? {
        (0x30, fields, _) => Some(fields),
        _ => None,
    }
}

/// The extensions of a certificate: its last field, and the only one with this tag.
fn extensions(der: &[u8]) -> Option<&[u8]> {
    let mut fields = fields(der)?;
    loop {
        let (tag, content, rest) = element(fields)?;
        if tag == 0xa3 {
            return Some(element(content)?.1);
        }
        fields = rest;
    }
}

/// The value of the extension basic constraints.
fn basic_constraints(mut extensions: &[u8]) -> Option<&[u8]> {
    while let Some((0x30, extension, rest)) = element(extensions) {
        extensions = rest;
        let (0x06, kind, mut value) = element(extension)? else {
            return None;
        };
        if kind != [0x55, 0x1d, 0x13] {
            continue;
        }
        // `critical` may stand before the value.
        if value.first() == Some(&0x01) {
            value = element(value)?.2;
        }
        let (0x04, constraints, _) = element(value)? else {
            return None;
        };
        return Some(constraints);
    }
    None
}

fn number(text: &str) -> Option<i64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole() {
        let expiry = Expiry {
            not_after: 10 * 86_400,
        };
        assert_eq!(expiry.days_left(0), 10);
        assert_eq!(expiry.days_left(1), 9);
        assert_eq!(expiry.days_left(10 * 86_400 + 1), -1);
    }

    #[test]
    fn broken_der_is_no_panic() {
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(not_after(&[0x30, 0x80]), None);
        assert_eq!(not_after(&[0x30, 0x02, 0x30, 0x00]), None);
        assert!(!is_authority(&[0x30, 0x02, 0x30, 0x00]));
    }

    #[test]
    fn only_who_says_to_be_an_authority_is_one() {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
        for (is_ca, authority) in [
            (IsCa::NoCa, false),
            (IsCa::ExplicitNoCa, false),
            (IsCa::Ca(BasicConstraints::Unconstrained), true),
            (IsCa::Ca(BasicConstraints::Constrained(0)), true),
        ] {
            let mut parameters = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
            parameters.is_ca = is_ca;
            let key = KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(is_authority(certificate.der()), authority);
            for end in 0..certificate.der().len() {
                let _ = is_authority(&certificate.der()[..end]);
            }
        }
    }

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
