//! Files of an upstream that are carried along: comps, modules, productid, and every unknown type, unharmed.

use std::path::Path;

use airlock_model::Attachment;
use airlock_repodata::repomd::Record;
use airlock_repodata::{Limits, compress};

use crate::checksum::sha256_hex;
use crate::{Content, Error, Result};

/// Base name of a location without a leading checksum (`<hex>-comps.xml.gz` → `comps.xml.gz`).
pub(crate) fn base_name(href: &str) -> String {
    let last = href.rsplit('/').next().unwrap_or(href);
    let plain = match last.split_once('-') {
        Some((digits, rest))
            if digits.len() >= 32
                && digits.bytes().all(|b| b.is_ascii_hexdigit())
                && !rest.is_empty() =>
        {
            rest
        }
        _ => last,
    };
    plain
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}

/// Opens a file with the limits of `repomd.xml`.
pub(crate) fn open(url: &str, path: &Path, record: &Record) -> Result<Vec<u8>> {
    let limits = Limits::default().with_open_size(record.open_size);
    compress::open_path(path, &limits)
        .and_then(compress::Opened::into_document)
        .map_err(|e| Error::metadata(&super::metadata::file_url(url, record), e))
}

impl Content {
    /// Puts a file into the store as it is and describes it.
    pub(crate) fn store_attachment(
        &self,
        url: &str,
        path: &Path,
        record: &Record,
    ) -> Result<Attachment> {
        let stored = self.blobs().adopt_copy(path)?;
        let compressed = record.open_checksum.is_some() || record.open_size.is_some();
        let (open_sha256, open_size) = if compressed {
            let open = open(url, path, record)?;
            (Some(sha256_hex(&open)), Some(open.len() as u64))
        } else {
            (None, None)
        };
        Ok(Attachment {
            kind: record.kind.clone(),
            file_name: base_name(&record.href),
            sha256: stored.sha256,
            size: stored.size,
            open_sha256,
            open_size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::base_name;

    #[test]
    fn leading_checksums_are_dropped() {
        let sum = "a".repeat(64);
        assert_eq!(
            base_name(&format!("repodata/{sum}-comps.xml.gz")),
            "comps.xml.gz"
        );
        assert_eq!(base_name("repodata/comps-el9.xml"), "comps-el9.xml");
        assert_eq!(base_name("../..\\x y"), "_x_y");
    }
}
