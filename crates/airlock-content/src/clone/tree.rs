//! The channels of a request: one tree of sources, one of clones.

use airlock_model::{
    Channel, ChannelLabel, ClonePair, CloneRequest, MetadataMode, OrgId, Plan, VersionSelector,
};

use crate::{Content, Error, Result};

/// Bytes of a name, summary or description.
pub(super) const LONGEST_TEXT: usize = 16 << 10;

/// A source and its clone.
#[derive(Debug)]
pub(super) struct Pair {
    /// The source.
    pub source: Channel,
    /// The clone's label.
    pub label: ChannelLabel,
    /// The clone, when it exists.
    pub destination: Option<Channel>,
    /// The base channel of a clone that is to be made.
    pub parent: Option<ChannelLabel>,
}

/// The tree of a request, base first, children by the labels of their clones.
#[derive(Debug)]
pub(super) struct Tree {
    pub pairs: Vec<Pair>,
    /// Base of the sources when that is not cloned.
    pub source_parent: Option<Channel>,
    /// Existing base of the clones when that is not changed.
    pub parent: Option<Channel>,
}

impl Tree {
    /// The channel that a version number or instant is about.
    pub(super) fn named(&self) -> Option<&ChannelLabel> {
        let base = self.source_parent.as_ref();
        base.or_else(|| self.pairs.first().map(|pair| &pair.source))
            .map(|channel| &channel.label)
    }
}

impl Content {
    /// Finds the channels of a request and checks that they are a tree whose clones may be made or changed.
    pub(super) async fn clone_tree(&self, org: OrgId, request: &CloneRequest) -> Result<Tree> {
        if request.channels.is_empty() {
            return Err(Error::invalid(
                "no channels were given",
                "airlock clone-by-date -l SOURCE DESTINATION",
            ));
        }
        if request.channels.len() > Plan::MOST_CHANNELS {
            return Err(Error::invalid(
                format!(
                    "{} channels are too many: a tree is cloned in parts of {}",
                    request.channels.len(),
                    Plan::MOST_CHANNELS
                ),
                "clone the base and some children first, then the other children with --parents SOURCE DESTINATION",
            ));
        }
        let mut pairs = Vec::new();
        for wish in &request.channels {
            let twice = request.channels.iter().filter(|other| {
                other.source == wish.source || other.destination == wish.destination
            });
            if twice.count() > 1 {
                return Err(Error::invalid(
                    format!(
                        "{} → {} stands beside another pair with one of these channels",
                        wish.source, wish.destination
                    ),
                    "each source and each destination may stand once in a tree",
                ));
            }
            if wish.source == wish.destination {
                return Err(Error::invalid(
                    format!("{} cannot be cloned into itself", wish.source),
                    "give another destination",
                ));
            }
            check_texts(wish)?;
            let source = self.channel(org, &wish.source).await?;
            pairs.push(Pair {
                source,
                label: wish.destination.clone(),
                destination: self
                    .clone_destination(org, wish, request.into_other)
                    .await?,
                parent: None,
            });
        }
        let (source_parent, parent) = match &request.parents {
            None => (None, None),
            Some(parents) => {
                let destination = self.channel(org, &parents.destination).await?;
                let source = match (&parents.source, &destination.cloned_from) {
                    (Some(label), _) | (None, Some(label)) => self.channel(org, label).await?,
                    (None, None) => {
                        return Err(Error::invalid(
                            format!(
                                "{} is no clone, so its source is not known",
                                destination.label
                            ),
                            "give both parents: --parents SOURCE DESTINATION",
                        ));
                    }
                };
                (Some(source), Some(destination))
            }
        };
        let mut tree = Tree {
            pairs,
            source_parent,
            parent,
        };
        order(&mut tree)?;
        check_destinations(&mut tree)?;
        Ok(tree)
    }

    /// The clone, when it exists and may be changed.
    async fn clone_destination(
        &self,
        org: OrgId,
        wish: &ClonePair,
        into_other: bool,
    ) -> Result<Option<Channel>> {
        let (label, source) = (&wish.destination, &wish.source);
        let Some(channel) = airlock_db::channels::find_live(self.db(), label).await? else {
            return Ok(None);
        };
        if channel.org != org {
            return Err(Error::conflict(
                format!("the label {label} is taken"),
                "choose another label for the clone",
            ));
        }
        if channel.metadata == MetadataMode::Verbatim {
            return Err(Error::conflict(
                format!("channel {label} serves its upstream's metadata as it is"),
                "clone into a channel with --metadata own",
            ));
        }
        if !channel.upstreams.is_empty() {
            return Err(Error::conflict(
                format!("channel {label} has upstreams: its next sync would undo the clone"),
                "choose another destination, or take them away first: airlock channel set LABEL --upstream ''",
            ));
        }
        let is_its_clone = channel.cloned_from.as_ref() == Some(source);
        if channel.current.is_some() && !is_its_clone && !into_other {
            let is = match &channel.cloned_from {
                Some(other) => format!("is a clone of {other}"),
                None => "was not made as a clone".to_owned(),
            };
            return Err(Error::conflict(
                format!("channel {label} has content and {is}; {source} would be cloned into it"),
                "choose another destination, or say that it is meant: --into-other (into_other)",
            ));
        }
        Ok(Some(channel))
    }

    /// The number of the version that a channel of the tree had; none when it had no content.
    pub(super) async fn cloned_version(
        &self,
        org: OrgId,
        tree: &Tree,
        selector: VersionSelector,
        channel: &Channel,
    ) -> Result<Option<i64>> {
        match tree.named() {
            Some(named) => self.number_in_tree(org, named, selector, channel).await,
            None => Ok(channel.current),
        }
    }
}

fn check_texts(wish: &ClonePair) -> Result<()> {
    let texts = [&wish.name, &wish.summary, &wish.description];
    if texts.into_iter().flatten().all(|t| t.len() <= LONGEST_TEXT) {
        return Ok(());
    }
    Err(Error::invalid(
        format!(
            "{}: name, summary and description have at most {LONGEST_TEXT} bytes each",
            wish.destination
        ),
        "give shorter ones",
    ))
}

/// Puts the base first and checks that all others are its children.
fn order(tree: &mut Tree) -> Result<()> {
    tree.pairs.sort_by(|one, two| {
        let key = |pair: &Pair| (pair.source.parent.is_some(), pair.label.clone());
        key(one).cmp(&key(two))
    });
    let base = match &tree.source_parent {
        Some(parent) if parent.parent.is_some() => {
            return Err(Error::invalid(
                format!("{} is no base channel", parent.label),
                "give a base channel as parent",
            ));
        }
        Some(parent) => parent.label.clone(),
        None => match tree.pairs.first().map(|pair| &pair.source) {
            Some(base) if base.parent.is_none() => base.label.clone(),
            Some(child) => {
                let parent = child
                    .parent
                    .clone()
                    .map_or_else(String::new, |p| p.to_string());
                return Err(Error::invalid(
                    format!(
                        "{} is a child of {parent}, which is not among the sources",
                        child.label
                    ),
                    "clone its base channel with it, or name existing parents: --parents SOURCE DESTINATION",
                ));
            }
            None => return Ok(()),
        },
    };
    let children = tree
        .pairs
        .iter()
        .skip(usize::from(tree.source_parent.is_none()));
    for pair in children {
        if pair.source.parent.as_ref() != Some(&base) {
            return Err(Error::invalid(
                format!("{} is no child of {base}", pair.source.label),
                "all sources of a tree are one base channel and its children; clone other trees apart",
            ));
        }
    }
    Ok(())
}

/// Checks the shape of the clones' tree and says where new clones belong.
fn check_destinations(tree: &mut Tree) -> Result<()> {
    let base = match &tree.parent {
        Some(parent) if parent.parent.is_some() => {
            return Err(Error::invalid(
                format!("{} is no base channel", parent.label),
                "give a base channel as parent",
            ));
        }
        Some(parent) => Some(parent.label.clone()),
        None => None,
    };
    let first = tree.pairs.first().map(|pair| pair.label.clone());
    for (place, pair) in tree.pairs.iter_mut().enumerate() {
        let expected = match &base {
            Some(base) => Some(base.clone()),
            None if place == 0 => None,
            None => first.clone(),
        };
        if let Some(destination) = &pair.destination
            && destination.parent != expected
        {
            let is = destination.parent.as_ref().map_or_else(
                || "a base channel".to_owned(),
                |p| format!("a child of {p}"),
            );
            let should = expected.as_ref().map_or_else(
                || "a base channel".to_owned(),
                |p| format!("a child of {p}"),
            );
            return Err(Error::conflict(
                format!(
                    "{} is {is}, and as a clone of {} it would be {should}",
                    pair.label, pair.source.label
                ),
                "give other destinations, or --parents SOURCE DESTINATION for an existing base channel",
            ));
        }
        pair.parent = expected;
    }
    Ok(())
}
