//! Reading versions: their content, their lists, and what a new one is compared with.

use std::collections::HashMap;

use airlock_db::package_files::FileKey;
use airlock_model::{
    Channel, ChannelLabel, DiffReport, ErratumRow, OrgId, PackageRow, VersionInfo, VersionNumber,
    VersionSelector,
};
use airlock_rpm::KeyRing;
use roaring::RoaringTreemap;

use crate::commit::{UpstreamState, VersionContent};
use crate::diff::{DiffErratum, Side, diff};
use crate::filter::{AS_IN_THE_SHELL, patterns};
use crate::publication::{Publication, PublishRequest, PublishedFiles, publish};
use crate::view::VersionView;
use crate::{Content, Error, Result};

impl Content {
    /// The content of a version.
    pub(crate) async fn version_content(
        &self,
        channel: &Channel,
        number: VersionNumber,
    ) -> Result<VersionContent> {
        let row = airlock_db::versions::content(self.db(), channel.id, number)
            .await?
            .ok_or_else(|| Error::NoVersion {
                label: channel.label.to_string(),
                wanted: number.to_string(),
                nearest: None,
            })?;
        Ok(VersionContent {
            records: row.records,
            errata: row.errata,
            attachments: row.attachments,
        })
    }

    /// The content of the current version with its view; empty before the first content.
    pub(crate) async fn current_content(
        &self,
        channel: &Channel,
    ) -> Result<(VersionContent, VersionView)> {
        let content = match channel.current {
            Some(number) => self.version_content(channel, number).await?,
            None => VersionContent::default(),
        };
        let view = self.view(content.records.clone()).await?;
        Ok((content, view))
    }

    /// The number that a selector means.
    ///
    /// # Errors
    /// [`Error::NoVersion`] naming the nearest version, also for instants in the future.
    pub async fn version_number(
        &self,
        channel: &Channel,
        selector: VersionSelector,
    ) -> Result<VersionNumber> {
        let missing = |wanted: String, nearest: Option<String>| Error::NoVersion {
            label: channel.label.to_string(),
            wanted,
            nearest,
        };
        // Today is allowed (it is not over, so it may still change); tomorrow is the future.
        let begins = match selector {
            VersionSelector::At(at) => Some(at),
            VersionSelector::EndOf { begin, .. } => Some(begin),
            VersionSelector::Current | VersionSelector::Number(_) => None,
        };
        if let Some(at) = begins.filter(|at| *at > self.now()) {
            let nearest = channel.current;
            return Err(missing(
                format!("at {at}, which lies in the future"),
                nearest.map(|number| format!("{number}, the current one")),
            ));
        }
        match selector {
            VersionSelector::Current => channel
                .current
                .ok_or_else(|| missing("yet (it has no content)".to_owned(), None)),
            VersionSelector::Number(number) => {
                if airlock_db::versions::exists(self.db(), channel.id, number).await? {
                    Ok(number)
                } else {
                    let nearest =
                        airlock_db::versions::nearest_number(self.db(), channel.id, number).await?;
                    Err(missing(
                        number.to_string(),
                        nearest.map(|(n, at)| format!("{n} ({at})")),
                    ))
                }
            }
            VersionSelector::At(_) | VersionSelector::EndOf { .. } => {
                let at = selector.instant().unwrap_or_else(|| self.now());
                match airlock_db::versions::number_at(self.db(), channel.id, at).await? {
                    Some(number) => Ok(number),
                    None => {
                        let first = airlock_db::versions::first_move(self.db(), channel.id).await?;
                        Err(missing(
                            format!("at {at}"),
                            first.map(|(n, at)| format!("{n} ({at})")),
                        ))
                    }
                }
            }
        }
    }

    /// All versions, oldest first; `held` says how many packages of each are in the store.
    pub async fn versions(&self, org: OrgId, label: &ChannelLabel) -> Result<Vec<VersionInfo>> {
        let channel = self.channel(org, label).await?;
        let mut list = airlock_db::versions::list(self.db(), channel.id).await?;
        let held = airlock_db::package_files::all_keys(self.db(), channel.org).await?;
        // Every record is looked at once, however many versions list it.
        let mut sets = Vec::with_capacity(list.len());
        let mut all = RoaringTreemap::new();
        for info in &list {
            let records = self.version_content(&channel, info.number).await?.records;
            all |= &records;
            sets.push(records);
        }
        let view = self.view(all).await?;
        let here: RoaringTreemap = view
            .members()
            .filter(|(_, r)| held.contains(&(r.checksum_type.to_owned(), r.checksum.to_owned())))
            .map(|(record, _)| record)
            .collect();
        for (info, records) in list.iter_mut().zip(&sets) {
            info.current = channel.current == Some(info.number);
            info.held = Some(records.intersection_len(&here));
        }
        Ok(list)
    }

    /// The packages of a version, by name, version and architecture; `query` is a glob over names.
    pub async fn packages(
        &self,
        org: OrgId,
        label: &ChannelLabel,
        selector: VersionSelector,
        query: Option<&str>,
    ) -> Result<Vec<PackageRow>> {
        let channel = self.channel(org, label).await?;
        let pattern = match query {
            Some(text) => patterns(&[text.to_owned()], AS_IN_THE_SHELL)?.pop(),
            None => None,
        };
        let number = self.version_number(&channel, selector).await?;
        let verbatim = self.published(&channel, number).await?.mode == "verbatim";
        let content = self.version_content(&channel, number).await?;
        let view = self.view(content.records).await?;
        let held = airlock_db::package_files::all_keys(self.db(), channel.org).await?;
        let own = airlock_db::records::own_packs(self.db(), channel.org).await?;
        let verified = |record: u64| {
            own.iter()
                .any(|(first, count)| (*first..*first + *count).contains(&record))
        };
        let mut list: Vec<PackageRow> = view
            .located()
            .filter(|(_, r, _)| pattern.as_ref().is_none_or(|p| p.matches(r.name)))
            .map(|(record, r, location)| PackageRow {
                name: r.name.to_owned(),
                epoch: r.epoch,
                version: r.version.to_owned(),
                release: r.release.to_owned(),
                arch: r.arch.to_owned(),
                checksum_type: r.checksum_type.to_owned(),
                checksum: r.checksum.to_owned(),
                size: r.size,
                file_name: r.file_name.to_owned(),
                location: if verbatim {
                    r.href.to_owned()
                } else {
                    location
                },
                held: held.contains(&(r.checksum_type.to_owned(), r.checksum.to_owned())),
                verified: verified(record),
            })
            .collect();
        list.sort_by(|a, b| {
            let evr = |p: &PackageRow| (p.name.clone(), p.arch.clone());
            evr(a).cmp(&evr(b)).then_with(|| {
                let side = |p: &PackageRow| {
                    airlock_rpm::Evr::new(
                        u32::try_from(p.epoch).ok(),
                        p.version.clone(),
                        p.release.clone(),
                    )
                };
                side(a).cmp(&side(b))
            })
        });
        Ok(list)
    }

    /// The errata of a version, newest first.
    pub async fn errata(
        &self,
        org: OrgId,
        label: &ChannelLabel,
        selector: VersionSelector,
    ) -> Result<Vec<ErratumRow>> {
        let channel = self.channel(org, label).await?;
        let number = self.version_number(&channel, selector).await?;
        let content = self.version_content(&channel, number).await?;
        let mut list = airlock_db::errata::load(self.db(), &content.errata).await?;
        list.sort_by(|a, b| {
            b.issued
                .cmp(&a.issued)
                .then_with(|| a.advisory.cmp(&b.advisory))
        });
        Ok(list)
    }

    /// Compares two versions, of one channel or of two.
    pub async fn diff(
        &self,
        org: OrgId,
        left: (&ChannelLabel, VersionSelector),
        right: (&ChannelLabel, VersionSelector),
    ) -> Result<DiffReport> {
        let (a, b) = (
            self.channel(org, left.0).await?,
            self.channel(org, right.0).await?,
        );
        let from = self.version_number(&a, left.1).await?;
        let to = self.version_number(&b, right.1).await?;
        self.diff_sides(&a, Some(from), &b, Some(to)).await
    }

    /// Compares two versions; none is a channel before its first content.
    async fn diff_sides(
        &self,
        a: &Channel,
        from: Option<VersionNumber>,
        b: &Channel,
        to: Option<VersionNumber>,
    ) -> Result<DiffReport> {
        let (left, right) = (self.side(a, from).await?, self.side(b, to).await?);
        fn borrow(side: &OwnedSide) -> Side<'_> {
            Side {
                name: side.name.clone(),
                view: &side.view,
                errata: &side.errata,
                attachments: &side.content.attachments,
            }
        }
        Ok(diff(&borrow(&left), &borrow(&right)))
    }

    /// Compares two trees channel by channel: base with base, children in the order of their labels.
    pub async fn diff_tree(
        &self,
        org: OrgId,
        left: (&ChannelLabel, VersionSelector),
        right: (&ChannelLabel, VersionSelector),
    ) -> Result<Vec<DiffReport>> {
        let pairs = self.tree_pairs(org, left.0, right.0).await?;
        let mut reports = Vec::new();
        for (a, b) in pairs {
            let (a, b) = (self.channel(org, &a).await?, self.channel(org, &b).await?);
            let from = self.number_in_tree(org, left.0, left.1, &a).await?;
            let to = self.number_in_tree(org, right.0, right.1, &b).await?;
            reports.push(self.diff_sides(&a, from, &b, to).await?);
        }
        Ok(reports)
    }

    async fn side(&self, channel: &Channel, number: Option<VersionNumber>) -> Result<OwnedSide> {
        let (content, name) = match number {
            Some(number) => (
                self.version_content(channel, number).await?,
                format!("{}@{number}", channel.label),
            ),
            None => (
                VersionContent::default(),
                format!("{} before its first content", channel.label),
            ),
        };
        let view = self.view(content.records.clone()).await?;
        let errata = airlock_db::errata::identities(self.db(), &content.errata)
            .await?
            .into_iter()
            .map(|e| DiffErratum {
                advisory: e.advisory,
                digest: e.digest,
                cves: e.cves,
            })
            .collect();
        Ok(OwnedSide {
            name,
            view,
            errata,
            content,
        })
    }

    /// Digest of a version's content.
    pub(crate) async fn content_digest(
        &self,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<String> {
        let digests: Vec<String> = airlock_db::errata::identities(self.db(), &content.errata)
            .await?
            .into_iter()
            .map(|e| e.digest)
            .collect();
        Ok(view.content_digest(&digests, &content.attachments))
    }

    /// Whether content would serve just what the current version serves.
    pub(crate) async fn same_as_current(
        &self,
        channel: &Channel,
        number: VersionNumber,
        content: &VersionContent,
        digest: &str,
        verbatim: Option<&Publication>,
    ) -> Result<bool> {
        let same = airlock_db::versions::content_digest(self.db(), channel.id, number)
            .await?
            .as_deref()
            == Some(digest);
        if !same {
            return Ok(false);
        }
        let Some(row) = airlock_db::versions::publication(self.db(), channel.id, number).await?
        else {
            return Ok(false);
        };
        if let Some(verbatim) = verbatim {
            return Ok(row.repomd == verbatim.repomd && row.repomd_asc == verbatim.repomd_asc);
        }
        if row.mode != "own" {
            return Ok(false);
        }
        // Own metadata depends on settings and on the records' own fragments too.
        let before = self.version_content(channel, number).await?;
        let published = publication_settings(channel);
        Ok(before.records == content.records
            && PublishedFiles::read(&row.files)?.settings == published)
    }

    /// Own metadata for content, by the channel's settings.
    pub(crate) async fn publish_own(
        &self,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Publication> {
        let updates = self.updates(channel, view, content).await?;
        let (view, attachments) = (view.clone(), content.attachments.clone());
        let (compression, checksum) = (channel.compression, channel.checksum.clone());
        // Like the version's own instant, that of its files never goes back, whatever the clock does: clients compare
        // revisions.
        let last = match channel.current {
            Some(number) => airlock_db::versions::instant(self.db(), channel.id, number).await?,
            None => None,
        };
        let instant = last.map_or(self.now(), |last| self.now().max(last));
        let mut publication = self
            .blocking("writing metadata", move |content| {
                publish(
                    content.blobs(),
                    &PublishRequest {
                        view: &view,
                        updates: &updates,
                        attachments: &attachments,
                        compression,
                        checksum: &checksum,
                        instant,
                    },
                )
            })
            .await?;
        // What this program itself would refuse to mirror is never published.
        airlock_repodata::repomd::Repomd::parse(&publication.repomd).map_err(|error| {
            Error::conflict(
                format!("{} cannot be published: {error}", channel.label),
                "look at the channel's upstreams: two files of one kind cannot be served side by side",
            )
        })?;
        publication.settings = publication_settings(channel);
        if channel.sign_metadata {
            publication.repomd_asc = Some(self.sign(&publication.repomd).await?);
        }
        Ok(publication)
    }

    pub(crate) async fn remember_upstreams(&self, upstreams: &[UpstreamState]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        for upstream in upstreams {
            crate::commit::write_upstream(&mut tx, upstream, self.now()).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The SHA-256 of files that are in the store, by their keys. A row whose blob is gone does not count.
    pub(crate) async fn held_files(
        &self,
        org: OrgId,
        keys: impl Iterator<Item = FileKey>,
    ) -> Result<HashMap<FileKey, String>> {
        let mut held = airlock_db::package_files::lookup(self.db(), org, keys).await?;
        held.retain(|_, sha256| self.blobs().exists(sha256).unwrap_or(false));
        Ok(held)
    }

    /// The channel's keys, ready to verify with.
    pub(crate) async fn key_ring(&self, channel: &Channel) -> Result<KeyRing> {
        let mut ring = KeyRing::default();
        for armored in airlock_db::channels::keys(self.db(), channel.id).await? {
            ring.add_bytes(armored.as_bytes());
        }
        for problem in ring.problems() {
            tracing::warn!(channel.label = %channel.label, %problem, "a key of the channel cannot be read");
        }
        Ok(ring)
    }

    /// Checks that `need` bytes fit and leave the free share free.
    pub(crate) fn check_space(&self, what: &str, need: u64) -> Result<()> {
        let space = self.blobs().space()?;
        let reserve = space.total / 100 * u64::from(self.settings().min_free_percent);
        if need.saturating_add(reserve) > space.free {
            return Err(Error::NoSpace {
                what: what.to_owned(),
                need,
                have: space.free,
                reserve,
            });
        }
        Ok(())
    }

    /// The records of the store that hold a set's packages, for callers outside of the domain's operations.
    pub async fn view_of(
        &self,
        org: OrgId,
        label: &ChannelLabel,
        selector: VersionSelector,
    ) -> Result<VersionView> {
        let channel = self.channel(org, label).await?;
        let number = self.version_number(&channel, selector).await?;
        let content = self.version_content(&channel, number).await?;
        self.view(content.records).await
    }
}

struct OwnedSide {
    name: String,
    view: VersionView,
    errata: Vec<DiffErratum>,
    content: VersionContent,
}

/// Settings that decide the bytes of own metadata for given content.
pub(crate) fn publication_settings(channel: &Channel) -> String {
    format!(
        "{} {} {}",
        channel.compression,
        channel.checksum,
        if channel.sign_metadata {
            "signed"
        } else {
            "unsigned"
        }
    )
}
