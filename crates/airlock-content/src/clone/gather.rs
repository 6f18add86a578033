//! Everything that planning looks at, read once: versions, errata, what was put in by hand, when packages came.

use std::collections::HashMap;
use std::sync::Arc;

use airlock_db::errata_clones::ClonableRevision;
use airlock_model::{
    Channel, CloneRequest, Instant, OrgId, PlannedParents, PlannedVersion, VersionKind,
    VersionNumber, VersionSelector,
};
use jiff::civil::Date;
use roaring::RoaringTreemap;

use super::tree::{Pair, Tree};
use crate::commit::VersionContent;
use crate::pools::{LoadedPool, PoolPart};
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// A channel's content at one version.
pub(super) struct Side {
    pub version: Option<VersionNumber>,
    pub digest: Option<String>,
    pub content: VersionContent,
    pub view: VersionView,
}

/// A source and its clone with all that is known of them.
pub(super) struct GatheredPair {
    pub pair: Pair,
    pub source: Side,
    pub destination: Side,
    /// Errata of the source, by advisory.
    pub source_errata: Vec<ClonableRevision>,
    /// Errata of the clone.
    pub destination_errata: Vec<ClonableRevision>,
    /// What was put into the clone by hand and is there.
    pub by_hand: ByHand,
    /// When each record came into the source, where that matters.
    pub first_seen: HashMap<u64, Instant>,
}

/// Records and erratum revisions that were put in by hand.
#[derive(Debug, Clone, Default)]
pub(super) struct ByHand {
    pub records: RoaringTreemap,
    pub errata: RoaringTreemap,
}

/// The whole tree.
pub(super) struct Gathered {
    pub pairs: Vec<GatheredPair>,
    /// Every package: sources, then what only the clones have, then the clones' parent, then the sources'.
    pub pool: Arc<LoadedPool>,
    /// The parents of the request as they are.
    pub parents: Option<PlannedParents>,
    /// The last day of errata, asked for or inferred.
    pub to_date: Option<Date>,
    /// The recorded version is copied unchanged.
    pub recorded: bool,
    /// Content is inferred from dates because the instant lies before the first recorded version.
    pub inferred: bool,
}

impl Content {
    /// Reads what a request is about.
    pub(super) async fn gather(
        &self,
        org: OrgId,
        request: &CloneRequest,
        tree: Tree,
    ) -> Result<Gathered> {
        let (selector, inferred) = self.clone_selector(org, request, &tree).await?;
        let to_date = match (request.to_date, inferred) {
            (None, Some(day)) => Some(day),
            (asked, _) => asked,
        };
        let recorded = request.as_of.is_some() && to_date.is_none();
        let mut sources = Vec::new();
        for pair in &tree.pairs {
            let version = self
                .cloned_version(org, &tree, selector, &pair.source)
                .await?;
            sources.push(self.cloned_side(&pair.source, version).await?);
        }
        let mut parents = Vec::new();
        // The clones live with their base as it is, which may be the sources' base, too.
        let of_clones = tree.parent.iter().map(|channel| (channel, false));
        let of_sources = tree.source_parent.iter().map(|channel| (channel, true));
        for (channel, of_source) in of_clones.chain(of_sources) {
            let version = match of_source {
                true => self.cloned_version(org, &tree, selector, channel).await?,
                false => channel.current,
            };
            parents.push((
                channel.label.clone(),
                self.cloned_side(channel, version).await?,
            ));
        }
        let mut pairs = Vec::new();
        for (pair, source) in tree.pairs.into_iter().zip(sources) {
            pairs.push(self.gather_pair(pair, source, to_date).await?);
        }
        let mut parts: Vec<PoolPart> = Vec::new();
        for pair in &pairs {
            parts.push(part(pair.pair.source.label.to_string(), &pair.source, None));
        }
        for pair in &pairs {
            parts.push(part(
                pair.pair.label.to_string(),
                &pair.destination,
                Some(pair.only_in_destination()),
            ));
        }
        for (label, side) in &parents {
            parts.push(part(label.to_string(), side, None));
        }
        let pool = self.pool(parts).await?;
        let mut planned = parents.iter().map(|(label, side)| PlannedVersion {
            label: label.clone(),
            version: side.version,
            digest: side.digest.clone(),
        });
        let parents = match (planned.next(), planned.next()) {
            (Some(destination), Some(source)) => Some(PlannedParents {
                source,
                destination,
            }),
            _ => None,
        };
        Ok(Gathered {
            pairs,
            pool,
            parents,
            to_date,
            recorded,
            inferred: inferred.is_some(),
        })
    }

    /// The version of the sources that is meant. Before the first recorded one: that one, and the day to infer from.
    async fn clone_selector(
        &self,
        org: OrgId,
        request: &CloneRequest,
        tree: &Tree,
    ) -> Result<(VersionSelector, Option<Date>)> {
        let Some(text) = &request.as_of else {
            return Ok((VersionSelector::Current, None));
        };
        let zone = &self.settings().zone;
        let selector = VersionSelector::parse(text, zone)?;
        if selector.instant().is_some_and(|at| at > self.now()) {
            return Err(Error::invalid(
                format!("{text} lies in the future"),
                "give a day or an instant that is over, or leave --as-of out for what is there now",
            ));
        }
        let Some(named) = tree.named() else {
            return Ok((selector, None));
        };
        let named = self.channel(org, named).await?;
        let failed = match self.version_number(&named, selector).await {
            Ok(_) => return Ok((selector, None)),
            Err(failed) => failed,
        };
        let (true, Some(at)) = (request.infer, selector.instant()) else {
            return Err(failed);
        };
        let Some((first, _)) = airlock_db::versions::first_move(self.db(), named.id).await? else {
            return Err(failed);
        };
        let day = jiff::Timestamp::from_microsecond(at.0)
            .map_err(|_| failed)?
            .to_zoned(zone.clone())
            .date();
        Ok((VersionSelector::Number(first), Some(day)))
    }

    pub(super) async fn cloned_side(
        &self,
        channel: &Channel,
        version: Option<VersionNumber>,
    ) -> Result<Side> {
        let (content, digest) = match version {
            Some(number) => (
                self.version_content(channel, number).await?,
                airlock_db::versions::content_digest(self.db(), channel.id, number).await?,
            ),
            None => (VersionContent::default(), None),
        };
        let view = self.view(content.records.clone()).await?;
        Ok(Side {
            version,
            digest,
            content,
            view,
        })
    }

    /// A side without any content.
    pub(super) fn empty_side() -> Side {
        Side {
            version: None,
            digest: None,
            content: VersionContent::default(),
            view: VersionView {
                packs: Vec::new(),
                records: RoaringTreemap::new(),
            },
        }
    }

    async fn gather_pair(
        &self,
        pair: Pair,
        source: Side,
        to_date: Option<Date>,
    ) -> Result<GatheredPair> {
        let destination = match &pair.destination {
            Some(channel) => self.cloned_side(channel, channel.current).await?,
            None => Self::empty_side(),
        };
        let by_hand = match &pair.destination {
            Some(channel) => self.by_hand(channel, &destination.content).await?,
            None => ByHand::default(),
        };
        let mut source_errata =
            airlock_db::errata_clones::revisions(self.db(), &source.content.errata).await?;
        source_errata.sort_by(|a, b| a.advisory.cmp(&b.advisory).then(a.id.cmp(&b.id)));
        let destination_errata =
            airlock_db::errata_clones::revisions(self.db(), &destination.content.errata).await?;
        let first_seen = match (to_date, destination.version) {
            (Some(_), None) => {
                self.first_seen(&pair.source, &source.content.records)
                    .await?
            }
            _ => HashMap::new(),
        };
        Ok(GatheredPair {
            pair,
            source,
            destination,
            source_errata,
            destination_errata,
            by_hand,
            first_seen,
        })
    }

    /// What pushes and edits put into a channel and is still there. What went and came back another way is not by
    /// hand; a rollback brings back what was by hand then.
    async fn by_hand(&self, channel: &Channel, now: &VersionContent) -> Result<ByHand> {
        let mut by_digest: HashMap<String, ByHand> = HashMap::new();
        let mut hand = ByHand::default();
        let mut before = VersionContent::default();
        for info in airlock_db::versions::list(self.db(), channel.id).await? {
            let content = self.version_content(channel, info.number).await?;
            match info.kind {
                VersionKind::Push | VersionKind::Edit => {
                    hand.records |= &content.records - &before.records;
                    hand.errata |= &content.errata - &before.errata;
                }
                VersionKind::Rollback => {
                    if let Some(then) = by_digest.get(&info.content_digest) {
                        hand.records |= &then.records;
                        hand.errata |= &then.errata;
                    }
                }
                VersionKind::Sync | VersionKind::Promote | VersionKind::Clone => {}
            }
            hand.records &= &content.records;
            hand.errata &= &content.errata;
            by_digest.insert(info.content_digest, hand.clone());
            before = content;
        }
        hand.records &= &now.records;
        hand.errata &= &now.errata;
        Ok(hand)
    }

    /// When each of these records came into a channel.
    async fn first_seen(
        &self,
        channel: &Channel,
        records: &RoaringTreemap,
    ) -> Result<HashMap<u64, Instant>> {
        let mut found = HashMap::new();
        let mut waiting = records.clone();
        for info in airlock_db::versions::list(self.db(), channel.id).await? {
            if waiting.is_empty() {
                break;
            }
            let content = self.version_content(channel, info.number).await?;
            let came = &waiting & &content.records;
            found.extend(came.iter().map(|record| (record, info.instant)));
            waiting -= came;
        }
        Ok(found)
    }
}

impl GatheredPair {
    /// Records of the clone whose package the source does not have.
    pub(super) fn only_in_destination(&self) -> RoaringTreemap {
        let of_source: std::collections::HashSet<(&str, &str)> = self
            .source
            .view
            .members()
            .map(|(_, info)| (info.checksum_type, info.checksum))
            .collect();
        self.destination
            .view
            .members()
            .filter(|(_, info)| !of_source.contains(&(info.checksum_type, info.checksum)))
            .map(|(record, _)| record)
            .collect()
    }
}

fn part(label: String, side: &Side, only: Option<RoaringTreemap>) -> PoolPart {
    PoolPart {
        label,
        records: only.unwrap_or_else(|| side.content.records.clone()),
        attachments: side.content.attachments.clone(),
    }
}
