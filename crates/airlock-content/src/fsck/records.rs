//! The records of a channel as fsck sees them: each is judged once, however many versions list it.

use std::collections::{HashMap, HashSet};

use airlock_db::package_files::FileKey;
use airlock_model::OrgId;
use roaring::RoaringTreemap;

use crate::commit::VersionContent;
use crate::view::{VersionView, content_digest};
use crate::{Content, Result};

/// What is known of a set of records and errata.
pub(super) struct Judged {
    /// Records that a pack holds.
    there: RoaringTreemap,
    /// Own records whose package file is missing or damaged.
    lost: RoaringTreemap,
    /// Checksum type and checksum of each record, in the order of content digests.
    identities: Vec<(u64, String, String)>,
    /// Digests of the erratum revisions.
    errata: HashMap<u64, String>,
}

impl Judged {
    /// Own records whose package file is missing or damaged.
    pub(super) fn lost_records(&self) -> &RoaringTreemap {
        &self.lost
    }

    /// How many of a version's records there are.
    pub(super) fn count(&self, content: &VersionContent) -> u64 {
        content.records.intersection_len(&self.there)
    }

    /// How many of a version's package files are missing or damaged.
    pub(super) fn lost(&self, content: &VersionContent) -> u64 {
        content.records.intersection_len(&self.lost)
    }

    /// The digest of a version's content.
    pub(super) fn digest(&self, content: &VersionContent) -> String {
        let errata: Vec<String> = content
            .errata
            .iter()
            .filter_map(|id| self.errata.get(&id).cloned())
            .collect();
        content_digest(
            self.identities
                .iter()
                .filter(|(record, _, _)| content.records.contains(*record))
                .map(|(_, kind, checksum)| (kind.as_str(), checksum.as_str())),
            &errata,
            &content.attachments,
        )
    }
}

impl Content {
    /// Judges the records of a view, which may be those of many versions.
    pub(super) async fn judge_records(
        &self,
        org: OrgId,
        view: &VersionView,
        errata: &RoaringTreemap,
        damaged: &HashSet<String>,
    ) -> Result<Judged> {
        let own = airlock_db::records::own_packs(self.db(), org).await?;
        let is_own = |record: u64| {
            own.iter()
                .any(|(first, count)| (*first..*first + *count).contains(&record))
        };
        let mut identities: Vec<(u64, String, String)> = view
            .members()
            .map(|(record, r)| (record, r.checksum_type.to_owned(), r.checksum.to_owned()))
            .collect();
        let files: Vec<(u64, FileKey)> = identities
            .iter()
            .filter(|(record, _, _)| is_own(*record))
            .map(|(record, kind, checksum)| (*record, (kind.clone(), checksum.clone())))
            .collect();
        let held = self
            .held_files(org, files.iter().map(|(_, key)| key.clone()))
            .await?;
        let lost = files
            .iter()
            .filter(|(_, key)| held.get(key).is_none_or(|sha256| damaged.contains(sha256)))
            .map(|(record, _)| *record)
            .collect();
        let there = identities.iter().map(|(record, _, _)| *record).collect();
        identities.sort_unstable_by(|a, b| (&a.1, &a.2).cmp(&(&b.1, &b.2)));
        let errata = airlock_db::errata::identities(self.db(), errata)
            .await?
            .into_iter()
            .map(|erratum| (erratum.id.0.unsigned_abs(), erratum.digest))
            .collect();
        Ok(Judged {
            there,
            lost,
            identities,
            errata,
        })
    }
}
