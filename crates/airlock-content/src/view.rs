//! A version seen through its pack indexes: which packages it holds, without reading package rows.

use std::sync::Arc;

use roaring::RoaringTreemap;
use sha2::Digest as _;

use airlock_model::Attachment;

use crate::location::Locations;
use crate::pack::{PackIndex, RecordInfo};

/// A pack of a version.
#[derive(Debug, Clone)]
pub struct ViewPack {
    /// Record id of its first record.
    pub first_record: u64,
    /// SHA-256 of the pack's blob.
    pub sha256: String,
    /// Its index.
    pub index: Arc<PackIndex>,
}

/// The records of a version with what the packs say about them.
#[derive(Debug, Clone, Default)]
pub struct VersionView {
    /// The version's packs in record order.
    pub packs: Vec<ViewPack>,
    /// The version's records.
    pub records: RoaringTreemap,
}

impl VersionView {
    /// Every record of the version, in record order.
    pub fn members(&self) -> impl Iterator<Item = (u64, RecordInfo<'_>)> {
        self.packs.iter().flat_map(move |pack| {
            let end = pack.first_record + pack.index.len() as u64;
            let mut members = self.records.iter();
            members.advance_to(pack.first_record);
            members
                .take_while(move |record| *record < end)
                .filter_map(move |record| {
                    let position = usize::try_from(record - pack.first_record).ok()?;
                    Some((record, pack.index.record(position)?))
                })
        })
    }

    /// Every record with the location that it is served at.
    pub fn located(&self) -> impl Iterator<Item = (u64, RecordInfo<'_>, String)> {
        let mut locations = Locations::new();
        self.members().map(move |(record, info)| {
            let location = locations.assign(&info);
            (record, info, location)
        })
    }

    /// One record, when it is in the version.
    #[must_use]
    pub fn record(&self, record: u64) -> Option<RecordInfo<'_>> {
        if !self.records.contains(record) {
            return None;
        }
        let number = self
            .packs
            .partition_point(|p| p.first_record <= record)
            .checked_sub(1)?;
        let pack = self.packs.get(number)?;
        pack.index
            .record(usize::try_from(record - pack.first_record).ok()?)
    }

    /// Digest of the version's content, see [`content_digest`].
    #[must_use]
    pub fn content_digest(&self, erratum_digests: &[String], attachments: &[Attachment]) -> String {
        let mut identities: Vec<(&str, &str)> = self
            .members()
            .map(|(_, info)| (info.checksum_type, info.checksum))
            .collect();
        identities.sort_unstable();
        content_digest(identities.into_iter(), erratum_digests, attachments)
    }
}

/// Digest of a version's content: sorted package identities (checksum type, checksum), erratum revision digests and
/// attachments. Two versions with the same digest serve the same packages, errata and files, whatever their record ids.
pub(crate) fn content_digest<'a>(
    identities: impl Iterator<Item = (&'a str, &'a str)>,
    erratum_digests: &[String],
    attachments: &[Attachment],
) -> String {
    let mut hasher = sha2::Sha256::new();
    for (kind, checksum) in identities {
        hasher.update(kind);
        hasher.update(":");
        hasher.update(checksum);
        hasher.update("\n");
    }
    let mut errata: Vec<&String> = erratum_digests.iter().collect();
    errata.sort_unstable();
    for digest in errata {
        hasher.update("erratum ");
        hasher.update(digest);
        hasher.update("\n");
    }
    let mut files: Vec<&Attachment> = attachments.iter().collect();
    files.sort_unstable();
    for file in files {
        hasher.update(format!(
            "file {} {} {}\n",
            file.kind, file.file_name, file.sha256
        ));
    }
    hex::encode(hasher.finalize())
}
