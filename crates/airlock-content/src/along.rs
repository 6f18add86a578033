//! Dependencies that come along when packages are copied from one channel to another.

use airlock_model::{Attachment, Channel, ChannelLabel, VersionSelector};
use airlock_solve::{PackageId, PackageSet, Settings, Universe};
use roaring::RoaringTreemap;

use crate::check::{Absent, Contents, Scope};
use crate::context::TaskContext;
use crate::pools::PoolPart;
use crate::{Content, Error, Result};

/// What came along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Along {
    /// Records of what was pulled in.
    pub records: RoaringTreemap,
    /// NEVRAs of the same, sorted.
    pub pulled: Vec<String>,
    /// `PACKAGE needs REQUIREMENT`: what neither the destination nor the source meets.
    pub open: Vec<String>,
}

/// Packages that come into a channel and where they come from.
pub(crate) struct Copied<'c> {
    /// The channel that they come into.
    pub destination: &'c Channel,
    /// What it holds, with them.
    pub records: &'c RoaringTreemap,
    /// They themselves.
    pub selected: &'c RoaringTreemap,
    /// The channel that they come from.
    pub source: &'c Channel,
}

impl Content {
    /// Looks for what the selected packages need, in the source and its base channel, as far as the destination and its
    /// base channel do not have it. What is there satisfies; else the preferred provider of the source comes along.
    ///
    /// # Errors
    /// When stored metadata is damaged, or the work is cancelled.
    pub(crate) async fn along(&self, ctx: &TaskContext, copied: Copied<'_>) -> Result<Along> {
        let org = ctx.actor.org;
        let mut contents = Contents::new();
        let mut scope_of = async |channel: &Channel| {
            self.scope(
                org,
                channel,
                VersionSelector::Current,
                &[],
                Absent::Empty,
                &mut contents,
            )
            .await
        };
        let source = scope_of(copied.source).await?;
        let mut there: Vec<(String, RoaringTreemap)> =
            vec![(copied.destination.label.to_string(), copied.records.clone())];
        if copied.destination.current.is_some() {
            let destination = scope_of(copied.destination).await?;
            there.extend(destination.beside.iter().map(|member| {
                let records = member.content.records.clone();
                (member.label.to_string(), records)
            }));
        } else if let Some(parent) = &copied.destination.parent {
            let parent = self.channel(org, parent).await?;
            if parent.current.is_some() {
                let base = scope_of(&parent).await?.judged;
                let records = base.content.records.clone();
                there.push((base.label.to_string(), records));
            }
        }
        ctx.check()?;
        ctx.stage(format!("{}: reading dependencies", source.judged.name()));
        let here: RoaringTreemap = there
            .iter()
            .fold(RoaringTreemap::new(), |all, (_, records)| all | records);
        let (parts, offered) = parts(&source, there);
        let loaded = self.pool(parts).await?;
        let selected = copied.selected.clone();
        self.blocking("looking for dependencies", move |_| {
            let universe = Universe::new(&loaded.pool, &Settings::default());
            Ok(close(&universe, offered, &here, &selected))
        })
        .await
    }
}

/// One part a channel: those of the source first, their number beside; then what else is there. Copies have most of what
/// they have from their source, so the pool is the same one for every copy, and that of the source's own checks.
fn parts(source: &Scope, there: Vec<(String, RoaringTreemap)>) -> (Vec<PoolPart>, usize) {
    let part = |label: String, records: RoaringTreemap, attachments: Vec<Attachment>| PoolPart {
        label,
        records,
        attachments,
    };
    let mut all: Vec<PoolPart> = source
        .members()
        .map(|member| {
            let content = &member.content;
            let attachments = content.attachments.clone();
            part(
                member.label.to_string(),
                content.records.clone(),
                attachments,
            )
        })
        .collect();
    let offered = all.len();
    let mut known = RoaringTreemap::new();
    for part in &all {
        known |= &part.records;
    }
    for (label, records) in there {
        let others = records - &known;
        if !others.is_empty() {
            known |= &others;
            all.push(part(label, others, Vec::new()));
        }
    }
    (all, offered)
}

/// Packages of the first `offered` repositories may come, as far as they are not `here`.
fn close(
    universe: &Universe<'_>,
    offered: usize,
    here: &RoaringTreemap,
    selected: &RoaringTreemap,
) -> Along {
    let pool = universe.pool();
    let mut beside = PackageSet::default();
    let mut wanted: Vec<PackageId> = Vec::new();
    for (id, package) in pool.packages() {
        if !here.contains(package.key()) {
            continue;
        }
        // The selected packages are asked for what they need.
        match selected.contains(package.key()) {
            true => wanted.push(id),
            false => {
                beside.insert(id);
            }
        }
    }
    let may_come = |id: &PackageId| {
        let package = pool.package(*id);
        package.repository().index() < offered && !here.contains(package.key())
    };
    let closure = universe.close(&wanted, &beside, |unmet, _| {
        unmet.providers.iter().copied().find(may_come)
    });
    let mut along = Along::default();
    for pulled in &closure.pulled {
        for id in std::iter::once(&pulled.package).chain(&pulled.with) {
            if along.records.insert(pool.package(*id).key()) {
                along.pulled.push(pool.nevra(*id));
            }
        }
    }
    along.pulled.sort();
    along.open = closure
        .open
        .iter()
        .map(|unmet| {
            let requirement = pool.dependency_text(unmet.dependency);
            format!("{} needs {requirement}", pool.nevra(unmet.package))
        })
        .collect();
    along.open.sort();
    along.open.dedup();
    along
}

/// The channel that packages and what they need come from.
///
/// # Errors
/// When none is named, or the one that they go to.
pub(crate) fn needed_source<'c>(
    source: Option<&'c Channel>,
    destination: &ChannelLabel,
) -> Result<&'c Channel> {
    match source {
        Some(source) if source.label == *destination => Err(Error::invalid(
            format!("{destination} is where the packages come from and where they go"),
            "name another channel with --from",
        )),
        Some(source) => Ok(source),
        None => Err(Error::invalid(
            "dependencies come from a channel, and none is named",
            "name it with --from",
        )),
    }
}
