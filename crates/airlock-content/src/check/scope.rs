//! Which channels, each at which version, a check looks at together.

use std::sync::Arc;

use airlock_model::{
    Channel, ChannelId, ChannelLabel, Instant, OrgId, VersionNumber, VersionSelector,
};
use roaring::RoaringTreemap;

use crate::commit::VersionContent;
use crate::pools::{PoolPart, module_files};
use crate::{Content, Error, Result};

/// A channel at a version.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub channel: ChannelId,
    pub label: ChannelLabel,
    /// None for content that is not published yet.
    pub number: Option<VersionNumber>,
    pub content: Arc<VersionContent>,
}

impl Member {
    /// `LABEL@N`, or the label alone for what is not published.
    pub(crate) fn name(&self) -> String {
        match self.number {
            Some(number) => format!("{}@{number}", self.label),
            None => self.label.to_string(),
        }
    }
}

/// Channels that a machine has together: packages of the first one are judged, those of the others can help.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub judged: Member,
    pub beside: Vec<Member>,
}

impl Scope {
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.judged).chain(&self.beside)
    }

    /// True when a check finds the same in both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let is_like = |(one, two): (&Member, &Member)| {
            one.channel == two.channel
                && one.content.records == two.content.records
                && module_files(&one.content.attachments).eq(module_files(&two.content.attachments))
        };
        self.beside.len() == other.beside.len() && self.members().zip(other.members()).all(is_like)
    }
}

/// The parts of a pool that holds everything of some scopes: one a channel, in the order of their first appearance.
pub(super) fn parts(scopes: &[Scope]) -> (Vec<ChannelId>, Vec<PoolPart>) {
    let mut channels: Vec<ChannelId> = Vec::new();
    let mut parts: Vec<PoolPart> = Vec::new();
    for member in scopes.iter().flat_map(Scope::members) {
        let place = channels.iter().position(|id| *id == member.channel);
        match place.and_then(|place| parts.get_mut(place)) {
            Some(part) => part.records |= &member.content.records,
            None => {
                channels.push(member.channel);
                parts.push(PoolPart {
                    label: member.label.to_string(),
                    records: member.content.records.clone(),
                    attachments: match scopes {
                        [_] => member.content.attachments.clone(),
                        // Each scope has documents of its own.
                        _ => Vec::new(),
                    },
                });
            }
        }
    }
    (channels, parts)
}

/// Channels that were named to stand beside.
pub(crate) type Named = [(ChannelLabel, VersionSelector)];

/// What happens to a named channel that had no content at the instant looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is an error.
    Refused,
    /// It was empty then.
    Empty,
}

/// Contents that were read already.
pub(crate) type Contents =
    std::collections::HashMap<(ChannelId, VersionNumber), Arc<VersionContent>>;

impl Content {
    /// The instant at which a selector finds a channel; none is now.
    pub(crate) async fn moment(
        &self,
        channel: &Channel,
        selector: VersionSelector,
    ) -> Result<Option<Instant>> {
        Ok(Some(match selector {
            VersionSelector::Current => return Ok(None),
            VersionSelector::At(at) => at,
            VersionSelector::EndOf { end, .. } => Instant(end.0 - 1),
            VersionSelector::Number(number) => {
                self.version_number(channel, selector).await?;
                airlock_db::versions::instant(self.db(), channel.id, number)
                    .await?
                    .ok_or_else(|| {
                        Error::damaged(format!("{}@{number} has no instant", channel.label))
                    })?
            }
        }))
    }

    /// The version of a channel that was current at an instant (none is now); none before its first content.
    pub(crate) async fn number_at(
        &self,
        channel: &Channel,
        moment: Option<Instant>,
    ) -> Result<Option<VersionNumber>> {
        match moment {
            None => Ok(channel.current),
            Some(at) => Ok(airlock_db::versions::number_at(self.db(), channel.id, at).await?),
        }
    }

    /// A channel at a version, with its base channel and what is named beside it, each with its base channel: as of the
    /// instant of that version, but for those that were named with a version of their own.
    pub(crate) async fn scope(
        &self,
        org: OrgId,
        channel: &Channel,
        selector: VersionSelector,
        named: &Named,
        absent: Absent,
        contents: &mut Contents,
    ) -> Result<Scope> {
        let number = self.version_number(channel, selector).await?;
        let moment = self.moment(channel, selector).await?;
        let mut scope = Scope {
            judged: self.member(channel, number, contents).await?,
            beside: Vec::new(),
        };
        let mut wanted: Vec<(ChannelLabel, VersionSelector)> = Vec::new();
        wanted.extend(
            channel
                .parent
                .clone()
                .map(|label| (label, VersionSelector::Current)),
        );
        for (label, selector) in named {
            if *label == channel.label {
                return Err(Error::invalid(
                    format!("{label} cannot stand beside itself"),
                    "--with names other channels; --baseline compares with another version",
                ));
            }
            let parent = self.channel(org, label).await?.parent;
            wanted.push((label.clone(), *selector));
            wanted.extend(parent.map(|label| (label, VersionSelector::Current)));
        }
        for (label, _) in &wanted {
            if *label == channel.label || scope.beside.iter().any(|member| member.label == *label) {
                continue;
            }
            let other = self.channel(org, label).await?;
            // A version that was named counts, wherever the channel would come from by itself.
            let pinned = wanted
                .iter()
                .filter(|(named, _)| named == label)
                .map(|(_, selector)| *selector)
                .find(|selector| *selector != VersionSelector::Current);
            let number = match pinned {
                Some(selector) => Some(self.version_number(&other, selector).await?),
                None => self.number_at(&other, moment).await?,
            };
            match number {
                Some(number) => {
                    let member = self.member(&other, number, contents).await?;
                    scope.beside.push(member);
                }
                None if absent == Absent::Refused
                    && named.iter().any(|(named, _)| named == label) =>
                {
                    let selector = moment.map_or(VersionSelector::Current, VersionSelector::At);
                    self.version_number(&other, selector).await?;
                }
                None => {}
            }
        }
        Ok(scope)
    }

    pub(super) async fn member(
        &self,
        channel: &Channel,
        number: VersionNumber,
        contents: &mut Contents,
    ) -> Result<Member> {
        let content = match contents.get(&(channel.id, number)) {
            Some(content) => Arc::clone(content),
            None => {
                let mut content = self.version_content(channel, number).await?;
                // A check does not look at errata.
                content.errata = RoaringTreemap::new();
                let content = Arc::new(content);
                contents.insert((channel.id, number), Arc::clone(&content));
                content
            }
        };
        Ok(Member {
            channel: channel.id,
            label: channel.label.clone(),
            number: Some(number),
            content,
        })
    }
}
