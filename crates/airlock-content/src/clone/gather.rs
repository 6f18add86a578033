//! Everything that planning looks at, read once: versions, errata, what was put in by hand, when packages came.

use std::sync::Arc;

use airlock_db::errata_clones::ClonableRevision;
use airlock_model::{
    Attachment, Channel, CloneRequest, Instant, Naked, OrgId, PlannedParents, PlannedVersion,
    VersionNumber, VersionSelector,
};
use jiff::civil::Date;
use roaring::RoaringTreemap;

use super::listing::Stated;
use super::past::Past;
use super::tree::{Pair, Tree};
use crate::commit::VersionContent;
use crate::pack::RecordInfo;
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
    /// What errata of the source say of packages whose file names are shared.
    pub stated: Stated,
    /// Errata of the clone.
    pub destination_errata: Vec<ClonableRevision>,
    /// What was done to the clone by hand, and up to which day it was made.
    pub past: Past,
    /// Records whose packages the source had by the date, where that matters.
    pub seen: Option<RoaringTreemap>,
    /// The recorded version is copied unchanged.
    pub recorded: bool,
    /// Content is inferred from dates because the instant lies before the first recorded version.
    pub inferred: bool,
}

/// The whole tree.
pub(super) struct Gathered {
    pub pairs: Vec<GatheredPair>,
    /// Every package: sources, then what only the clones have, then the clones' parent, then the sources'.
    pub pool: Arc<LoadedPool>,
    /// Files of the clones' base channel when that is not changed.
    pub parent_files: Vec<Attachment>,
    /// The parents of the request as they are.
    pub parents: Option<PlannedParents>,
    /// The last day of errata, asked for or inferred.
    pub to_date: Option<Date>,
}

impl Content {
    /// Reads what a request is about.
    pub(super) async fn gather(
        &self,
        org: OrgId,
        request: &CloneRequest,
        tree: Tree,
    ) -> Result<Gathered> {
        let selector = self.clone_selector(request)?;
        let mut sources = Vec::new();
        for pair in &tree.pairs {
            sources.push(
                self.clone_source(org, request, &tree, selector, &pair.source)
                    .await?,
            );
        }
        let inferred = sources.iter().any(|(_, inferred)| *inferred);
        let to_date = match (request.to_date, inferred, selector.instant()) {
            (None, true, Some(at)) => Some(self.day_of(at)?),
            (asked, ..) => asked,
        };
        let unchanged =
            request.as_of.is_some() && request.to_date.is_none() && request.errata.is_empty();
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
        for (pair, (source, inferred)) in tree.pairs.into_iter().zip(sources) {
            let mut gathered = self.gather_pair(request, pair, source, to_date).await?;
            gathered.recorded = unchanged && !inferred;
            gathered.inferred = inferred;
            pairs.push(gathered);
        }
        let mut parts: Vec<PoolPart> = Vec::new();
        for pair in &pairs {
            parts.push(part(pair.pair.source.label.to_string(), &pair.source));
        }
        for pair in &pairs {
            // The clones' own module documents are read where it matters that they come first.
            parts.push(PoolPart {
                label: pair.pair.label.to_string(),
                records: pair.only_in_destination(),
                attachments: Vec::new(),
            });
        }
        for (label, side) in &parents {
            parts.push(part(label.to_string(), side));
        }
        let pool = self.pool(parts).await?;
        let of_clones = parents.first().filter(|_| tree.parent.is_some());
        let parent_files =
            of_clones.map_or_else(Vec::new, |(_, side)| side.content.attachments.clone());
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
            parent_files,
            parents,
            to_date,
        })
    }

    /// The version of the sources that is meant.
    fn clone_selector(&self, request: &CloneRequest) -> Result<VersionSelector> {
        let Some(text) = &request.as_of else {
            return Ok(VersionSelector::Current);
        };
        let selector = VersionSelector::parse(text, &self.settings().zone)?;
        if selector.instant().is_some_and(|at| at > self.now()) {
            return Err(Error::invalid(
                format!("{text} is not over"),
                "give a day or an instant that is over, or leave --as-of out for what is there now",
            ));
        }
        Ok(selector)
    }

    /// The day of an instant, in the server's zone.
    pub(super) fn day_of(&self, at: Instant) -> Result<Date> {
        let stamp = jiff::Timestamp::from_microsecond(at.0)
            .map_err(|_| Error::invalid(format!("{at} is no instant"), "give a day that exists"))?;
        Ok(stamp.to_zoned(self.settings().zone.clone()).date())
    }

    /// A source at the version that is meant. Before its first recorded one, and when that is allowed: that one, and
    /// true because content then has to be inferred.
    async fn clone_source(
        &self,
        org: OrgId,
        request: &CloneRequest,
        tree: &Tree,
        selector: VersionSelector,
        source: &Channel,
    ) -> Result<(Side, bool)> {
        let found = self.cloned_version(org, tree, selector, source).await;
        let failed = match found {
            Ok(Some(number)) => return Ok((self.cloned_side(source, Some(number)).await?, false)),
            Ok(None) => None,
            Err(failed @ Error::NoVersion { .. }) => Some(failed),
            Err(failed) => return Err(failed),
        };
        let first = airlock_db::versions::first_move(self.db(), source.id).await?;
        match (first, selector) {
            // Without any content there is nothing to go back to.
            (None, _) | (_, VersionSelector::Current) => {
                Ok((self.cloned_side(source, None).await?, false))
            }
            (Some((first, _)), _) if request.infer && selector.instant().is_some() => {
                Ok((self.cloned_side(source, Some(first)).await?, true))
            }
            (Some((first, at)), selector) => match failed {
                // A number that does not exist cannot be inferred.
                Some(failed) if selector.instant().is_none() => Err(failed),
                _ => Err(Error::BeforeFirst {
                    label: source.label.to_string(),
                    wanted: request.as_of.clone().unwrap_or_default(),
                    first: format!("{first} ({at})"),
                }),
            },
        }
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
        request: &CloneRequest,
        pair: Pair,
        source: Side,
        to_date: Option<Date>,
    ) -> Result<GatheredPair> {
        let destination = match &pair.destination {
            Some(channel) => self.cloned_side(channel, channel.current).await?,
            None => Self::empty_side(),
        };
        let mut past = match &pair.destination {
            Some(channel) => self.past(channel, &destination.content).await?,
            None => Past::default(),
        };
        self.find_in_source(&mut past, pair.source.org, &source.content.records)
            .await?;
        let mut source_errata =
            airlock_db::errata_clones::revisions(self.db(), &source.content.errata).await?;
        // Several upstreams may each have a revision of one advisory, and which was read first says nothing.
        source_errata.sort_by(|a, b| {
            let key = |one: &ClonableRevision| (one.advisory.clone(), one.digest.clone(), one.id);
            key(a).cmp(&key(b))
        });
        let stated = self.stated(&source.view, &source_errata).await?;
        let destination_errata =
            airlock_db::errata_clones::revisions(self.db(), &destination.content.errata).await?;
        let matters = is_first(&destination, &past) || request.naked == Naked::FirstSeen;
        let seen = match to_date.filter(|_| matters) {
            Some(day) => Some(
                self.seen_by(&pair.source, &source.content.records, day)
                    .await?,
            ),
            None => None,
        };
        Ok(GatheredPair {
            pair,
            source,
            destination,
            source_errata,
            stated,
            destination_errata,
            past,
            seen,
            recorded: false,
            inferred: false,
        })
    }

    /// Records of a set whose packages a channel had by the end of a day. What is said of a package may have changed
    /// since; the package counts.
    async fn seen_by(
        &self,
        channel: &Channel,
        records: &RoaringTreemap,
        day: Date,
    ) -> Result<RoaringTreemap> {
        let end = day
            .tomorrow()
            .and_then(|next| next.to_zoned(self.settings().zone.clone()))
            .map_err(|_| Error::invalid(format!("{day} has no end"), "give an earlier day"))?;
        let end = Instant(end.timestamp().as_microsecond());
        let mut had = RoaringTreemap::new();
        for info in airlock_db::versions::list(self.db(), channel.id).await? {
            if info.instant >= end {
                break;
            }
            had |= self.version_content(channel, info.number).await?.records;
        }
        let mut seen = records & &had;
        if !had.is_empty() {
            let rest = records - &seen;
            let same = airlock_db::records::same_packages(self.db(), channel.org, &rest).await?;
            let known = same.into_iter().filter(|(other, _)| had.contains(*other));
            seen.extend(known.map(|(_, record)| record));
        }
        Ok(seen)
    }
}

/// A clone has no content yet, or that of its plan was taken back: it gets its original state.
fn is_first(clone: &Side, past: &Past) -> bool {
    clone.version.is_none() || past.emptied
}

impl GatheredPair {
    /// The clone gets its original state.
    pub(super) fn is_first(&self) -> bool {
        is_first(&self.destination, &self.past)
    }

    /// What the packs say of a record of the source or the clone.
    pub(super) fn record(&self, key: u64) -> Option<RecordInfo<'_>> {
        let of_source = self.source.view.record(key);
        of_source.or_else(|| self.destination.view.record(key))
    }

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

fn part(label: String, side: &Side) -> PoolPart {
    PoolPart {
        label,
        records: side.content.records.clone(),
        attachments: side.content.attachments.clone(),
    }
}
