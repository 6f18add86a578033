//! `productid`: a certificate that says which products a repository belongs to.
//!
//! Only the names in it are read; whether anybody trusts the certificate is not asked here.

use base64::Engine;

use crate::error::{Error, Flaw, Result};

const FILE: &str = "productid";
/// Products' names are extensions below this object identifier (1.3.6.1.4.1.2312.9.1).
const PREFIX: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x92, 0x08, 0x09, 0x01];
/// Bytes of a certificate.
const LARGEST: usize = 1 << 20;

/// One product of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Product {
    /// Number of the product.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architectures, separated by commas.
    pub arch: String,
    /// Tags that it provides.
    pub tags: Vec<String>,
}

/// Reads the products of a certificate in PEM form.
///
/// # Errors
/// [`Error::BadRepository`] when it is no certificate.
pub fn parse(bytes: &[u8]) -> Result<Vec<Product>> {
    let bad = |why| Error::bad(FILE, 1, Flaw::Syntax { why });
    if bytes.len() > LARGEST {
        let limit = LARGEST as u64;
        return Err(Error::bad(
            FILE,
            1,
            Flaw::Limit {
                what: "the certificate",
                limit,
            },
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| bad("it is no PEM certificate"))?;
    let (_, rest) = text
        .split_once("-----BEGIN CERTIFICATE-----")
        .ok_or_else(|| bad("it is no PEM certificate"))?;
    let (body, _) = rest
        .split_once("-----END CERTIFICATE-----")
        .ok_or_else(|| bad("the certificate does not end"))?;
    let packed: String = body.split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|_| bad("the certificate is no base64"))?;
    Ok(products(&der))
}

/// Walks over the extensions: an object identifier and an octet string that holds a text.
fn products(der: &[u8]) -> Vec<Product> {
    let mut products: Vec<Product> = Vec::new();
    for at in memchr::memmem::find_iter(der, &PREFIX) {
        let Some((oid, rest)) = at
            .checked_sub(2)
            .and_then(|start| element(&der[start..], 0x06))
        else {
            continue;
        };
        let (Some(suffix), Some(text)) = (oid.strip_prefix(&PREFIX), value(rest)) else {
            continue;
        };
        let Some((id, &[field])) = number(suffix) else {
            continue;
        };
        let position = products
            .iter()
            .position(|product| product.id == id)
            .unwrap_or_else(|| {
                products.push(Product {
                    id,
                    ..Product::default()
                });
                products.len() - 1
            });
        let product = &mut products[position];
        match field {
            1 => product.name = text,
            2 => product.version = text,
            3 => product.arch = text,
            4 => {
                product.tags = text
                    .split(',')
                    .map(|tag| tag.trim().to_owned())
                    .filter(|tag| !tag.is_empty())
                    .collect()
            }
            _ => {}
        }
    }
    products
}

/// Content of an element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (
            usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?),
            &rest[2..],
        ),
        short if short < 0x80 => (usize::from(short), rest),
        _ => return None,
    };
    (found == tag)
        .then(|| rest.split_at_checked(length))
        .flatten()
}

fn value(rest: &[u8]) -> Option<String> {
    // A critical extension has a boolean before its value.
    let rest = element(rest, 0x01).map_or(rest, |(_, behind)| behind);
    let (octets, _) = element(rest, 0x04)?;
    let text = element(octets, 0x0c)
        .or_else(|| element(octets, 0x13))
        .map_or(octets, |(text, _)| text);
    std::str::from_utf8(text).ok().map(str::to_owned)
}

/// A number in groups of seven bits, the top bit set in all but the last.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}
