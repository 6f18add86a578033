//! Clone by date: what is asked for, and the plan that answers it.
//!
//! A plan is a document that outlives the server that made it: it names packages by NEVRA and checksum, errata by
//! advisory and digest, and channels by label. It holds no clock, no database id and no path, so that the same
//! question about the same content gives the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::words;
use crate::{ChannelLabel, Instant, UnmetRecommendation, VersionNumber};

words!(
    /// What counts as the original state: which packages without an erratum a new clone gets.
    #[derive(Default)]
    Naked {
        /// All of them, as of old.
        #[default]
        Original = "original",
        /// Those that the source channel had by the date.
        FirstSeen = "first-seen",
        /// Those that were built by the date.
        BuildDate = "build-date",
    }
);
words!(
    /// What a blacklist keeps out.
    #[derive(Default)]
    BlacklistScope {
        /// Everything that this run would add.
        #[default]
        All = "all",
        /// Only what comes with selected errata and dependencies, never the original state (as of old).
        Errata = "errata",
    }
);

/// A source and the clone made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClonePair {
    /// The channel cloned.
    pub source: ChannelLabel,
    /// The clone; made when it does not exist.
    pub destination: ChannelLabel,
    /// Name of a clone that is made; default: its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Summary of a clone that is made; default: its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Description of a clone that is made; default: its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Existing base channels that are searched and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloneParents {
    /// Base of the sources; default: what `destination` was cloned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ChannelLabel>,
    /// Base of the clones.
    pub destination: ChannelLabel,
}

/// What a clone by date is asked to do with one tree of channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloneRequest {
    /// The channels of one tree.
    pub channels: Vec<ClonePair>,
    /// Existing parents, for clones of children only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parents: Option<CloneParents>,
    /// Last day (`YYYY-MM-DD`) of the errata that are taken, compared with the day that they are written with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2026-03-31")]
    pub to_date: Option<jiff::civil::Date>,
    /// The source's content is the version that was current then: `YYYY-MM-DD[THH:MM[:SS]Z]`, or a number for a
    /// single channel. Without `to_date` that version is copied unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// With `as_of` before the first recorded version: infer the content from errata dates instead of failing.
    pub infer: bool,
    /// Only these advisories.
    pub errata: Vec<String>,
    /// Advisories of `errata` that no source has are left out and named by the plan (one of several trees): without it they
    /// are refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub errata_where_known: bool,
    /// Only security errata are selected by date.
    pub security_only: bool,
    /// The date is compared with the date of an erratum's last change, not with its issue date.
    pub use_update_date: bool,
    /// Dependencies are reported, not pulled in.
    pub skip_depsolve: bool,
    /// Errata that were pulled in bring their other packages without the dependencies of those.
    pub skip_errata_depsolve: bool,
    /// Errata that the clone already has are not brought up to date with their originals.
    pub no_errata_sync: bool,
    /// Regular expressions over names, by destination label or `ALL`: what is never added.
    pub blacklist: BTreeMap<String, Vec<String>>,
    /// Regular expressions over names, by destination label or `ALL`: what is taken out.
    pub removelist: BTreeMap<String, Vec<String>>,
    /// What the blacklist keeps out.
    pub blacklist_scope: BlacklistScope,
    /// Which packages without an erratum a new clone gets.
    pub naked: Naked,
    /// Fail instead of pulling in what is beyond the date, or leaving open what the source can meet.
    pub strict: bool,
    /// With `as_of`: take out what was put in by hand, too.
    pub prune: bool,
    /// Errata keep their names instead of getting one that begins with `CL-`.
    pub keep_advisory_names: bool,
    /// Also into a destination that has content and is no clone of its source.
    pub into_other: bool,
}

/// A plan: everything that a clone would do, with a reason for each thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this format: 1.
    pub format: u32,
    /// What was asked for; `--rebase` asks it again.
    pub request: CloneRequest,
    /// The parents of the request as they were when the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<PlannedParents>,
    /// The channels, base first, children by label.
    pub channels: Vec<PlannedChannel>,
    /// Advisories that were asked for and that no source has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_errata: Vec<String>,
    /// Other children of the base that loses something, as they were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<PlannedChild>,
    /// SHA-256 of the plan's bytes without this field, so that a plan is applied as it was made or not at all. Written
    /// last; a plan that was read and checked does not hold it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Plan {
    /// The format that this release writes and reads.
    pub const FORMAT: u32 = 1;
    /// Most channels of one plan.
    pub const MOST_CHANNELS: usize = 200;

    /// Whether applying it would change anything.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.channels.iter().any(PlannedChannel::changes_anything)
    }
}

/// A child of the base that changes, which is no part of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedChild {
    /// The channel as it was when the plan was made.
    pub channel: PlannedVersion,
    /// Its packages that can be installed now and could not be beside the changed base; often none.
    pub broken: Vec<PlannedBroken>,
}

/// A channel's version as a plan knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedVersion {
    /// The channel.
    pub label: ChannelLabel,
    /// The version; none when the channel has no content (or does not exist).
    pub version: Option<VersionNumber>,
    /// Digest of its content; none without content.
    pub digest: Option<String>,
}

/// Existing base channels as a plan knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedParents {
    /// Base of the sources.
    pub source: PlannedVersion,
    /// Base of the clones.
    pub destination: PlannedVersion,
}

/// A channel that a plan makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedCreation {
    /// Its name.
    pub name: String,
    /// Its summary.
    pub summary: String,
    /// Its description.
    pub description: String,
    /// Its base channel.
    pub parent: Option<ChannelLabel>,
}

/// What a plan does to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedChannel {
    /// Where content comes from.
    pub source: PlannedVersion,
    /// Where it goes to, as it was when the plan was made.
    pub destination: PlannedVersion,
    /// Set when the destination has to be made.
    pub create: Option<PlannedCreation>,
    /// Errata of the source that the destination did not have when the plan was made.
    pub errata_available: u64,
    /// Packages of the destination that stay.
    pub kept: u64,
    /// Errata that come in or get a new revision, by advisory.
    pub errata: Vec<PlannedErratum>,
    /// Packages that come in, by name, architecture and version.
    pub packages: Vec<PlannedPackage>,
    /// Packages that go, by name, architecture and version.
    pub removals: Vec<PlannedRemoval>,
    /// Advisories of the destination that go: none of their packages stays, or (`as_of`) the recorded version does
    /// not have them.
    pub errata_removed: Vec<String>,
    /// Packages that were put in by hand and stay.
    pub by_hand: Vec<String>,
    /// Packages of errata that the clone has, which were taken out by hand and stay out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The day up to which the clone was made already, when that is later than the one asked for: nothing is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2026-03-31")]
    pub reaches: Option<jiff::civil::Date>,
    /// Requirements that nothing in the tree meets.
    pub open: Vec<OpenRequirement>,
    /// Packages of the result that cannot be installed though each requirement has a provider.
    pub broken: Vec<PlannedBroken>,
    /// What packages recommend, the source's tree has, and the clone's tree will not have. Weak: nothing is pulled in
    /// for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommendations: Vec<UnmetRecommendation>,
    /// The files carried along change though nothing else may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files_change: bool,
    /// Files carried along (comps and the like) are taken from the source.
    pub files: Vec<PlannedFile>,
    /// How many packages without an erratum the choices of `naked` would leave out.
    pub naked: NakedCounts,
}

impl PlannedChannel {
    /// Whether applying it would change anything.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.create.is_some()
            || !self.errata.is_empty()
            || !self.packages.is_empty()
            || !self.removals.is_empty()
            || !self.errata_removed.is_empty()
            || self.files_change
    }
}

/// How many packages without an erratum each choice would leave out of a new clone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NakedCounts {
    /// Packages of the source without an erratum.
    pub all: u64,
    /// Those that the source got after the date.
    pub first_seen: u64,
    /// Those that were built after the date.
    pub build_date: u64,
}

/// A file carried along.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedFile {
    /// Type in `repomd.xml`.
    pub kind: String,
    /// Name.
    pub file_name: String,
    /// SHA-256 of its bytes as stored in the source version.
    pub sha256: String,
}

/// Why an erratum comes in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "why", deny_unknown_fields)]
pub enum ErratumReason {
    /// Its date is in range.
    Date,
    /// It was asked for by name.
    Named,
    /// One of its packages is needed.
    Needed {
        /// That package.
        package: String,
        /// The package that needs it.
        by: String,
        /// What is required.
        requires: String,
    },
    /// The recorded version has it.
    Recorded,
    /// The clone has it, and the original was revised.
    Revised,
}

/// An erratum that comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedErratum {
    /// Its name in the source.
    pub advisory: String,
    /// Its name in the clone.
    pub published_as: String,
    /// Digest of the source's revision.
    pub digest: String,
    /// `security`, `bugfix`, `enhancement` …
    pub kind: String,
    /// As the vendor wrote it; empty when none.
    pub severity: String,
    /// Its title.
    pub title: String,
    /// Issue date.
    pub issued: Option<Instant>,
    /// Date of the last change.
    pub updated: Option<Instant>,
    /// CVE names.
    pub cves: Vec<String>,
    /// Why it comes in.
    pub reason: ErratumReason,
    /// Its date, or that of its last change, is after the one asked for: a surprise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond: bool,
}

/// Why a package comes in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "why", deny_unknown_fields)]
pub enum PackageReason {
    /// No erratum of the source lists it: original state.
    OriginalState,
    /// It belongs to an erratum that was selected by date or by name.
    Erratum {
        /// That erratum, by its name in the source.
        advisory: String,
    },
    /// Without it something else lacks a dependency.
    Needed {
        /// NEVRA of the package that needs it.
        by: String,
        /// What that one requires.
        requires: String,
        /// The erratum that brings it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advisory: Option<String>,
    },
    /// It belongs to an erratum that was pulled in for another of its packages.
    WithErratum {
        /// That erratum, by its name in the source.
        advisory: String,
    },
    /// The recorded version has it.
    Recorded,
    /// It belongs to an erratum that the clone already has, and was added to it later.
    Revised {
        /// That erratum, by its name in the source.
        advisory: String,
    },
    /// An erratum that the clone already has lists it, and it was missing.
    Missing {
        /// That erratum, by its name in the source.
        advisory: String,
    },
}

/// A package that comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedPackage {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// `sha256:…`.
    pub checksum: String,
    /// Newest version that the destination had before, when this one is newer: `[epoch:]version-release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Why it comes in.
    pub reason: PackageReason,
    /// Why it counts as newer than the date asked for: a surprise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
    /// Its being there then is inferred from dates, not recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

words!(
    /// Why a package counts as newer than the date.
    Beyond {
        /// Every erratum that lists it is younger.
        Erratum = "erratum",
        /// It was built later, whatever lists it.
        Build = "build",
        /// No erratum lists it, and the source got it later.
        Seen = "seen",
    }
);

/// Why a package goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "why", deny_unknown_fields)]
pub enum RemovalReason {
    /// The removelist names it.
    Removelist {
        /// The expression that it matches.
        pattern: String,
    },
    /// The recorded version does not have it.
    NotRecorded,
    /// It was put in by hand, and that is to go, too.
    ByHand,
}

/// A package that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedRemoval {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// `sha256:…`.
    pub checksum: String,
    /// Why it goes.
    pub reason: RemovalReason,
}

words!(
    /// Why a requirement stays open.
    OpenCause {
        /// Nothing in the source tree meets it either.
        Source = "source",
        /// What would meet it is kept out by blacklist or removelist.
        KeptOut = "kept-out",
        /// What would meet it is in the source's base channel, and the clone's base channel is not changed.
        Parent = "parent",
        /// Dependencies were not to be pulled in.
        NotSolved = "not-solved",
        /// What would meet it is beyond the date, and that was forbidden.
        BeyondDate = "beyond-date",
    }
);

/// A requirement that nothing in the clone's tree meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRequirement {
    /// NEVRA of the package whose it is.
    pub package: String,
    /// What it requires.
    pub requires: String,
    /// Why it stays open.
    pub cause: OpenCause,
    /// NEVRAs of packages of the source that would meet it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

/// A package that cannot be installed from the clone's tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedBroken {
    /// NEVRA.
    pub nevra: String,
    /// Why, in lines for a person.
    pub problem: Vec<String>,
    /// It cannot be installed from the source's tree either.
    pub source_broken: bool,
}

/// A plan in numbers, for the summary that is shown before anything is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanSummary {
    /// SHA-256 of the plan's bytes.
    pub digest: String,
    /// The channels in the plan's order.
    pub channels: Vec<ChannelSummary>,
}

/// One channel of a plan in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelSummary {
    /// Where content comes from.
    pub source: ChannelLabel,
    /// Where it goes to.
    pub destination: ChannelLabel,
    /// It has to be made.
    pub create: bool,
    /// Errata selected by date or name.
    pub errata_selected: u64,
    /// Errata of the source that the destination did not have.
    pub errata_available: u64,
    /// Errata pulled in by dependencies.
    pub errata_pulled: u64,
    /// Errata brought up to date.
    pub errata_revised: u64,
    /// Packages that come in.
    pub packages: u64,
    /// Of these: original state.
    pub original_state: u64,
    /// Of these: pulled in by dependencies, with what came along.
    pub pulled: u64,
    /// Packages that go.
    pub removed: u64,
    /// Surprises: packages newer than the date.
    pub packages_beyond: u64,
    /// Surprises: errata newer than the date.
    pub errata_beyond: u64,
    /// Requirements that stay open though the source meets them.
    pub open: u64,
    /// Requirements that are open in the source, too.
    pub open_in_source: u64,
    /// Packages that cannot be installed though the source's can.
    pub broken: u64,
    /// How many packages without an erratum each choice would leave out.
    pub naked: NakedCounts,
}

impl From<&PlannedChannel> for ChannelSummary {
    fn from(channel: &PlannedChannel) -> Self {
        let errata = |test: fn(&ErratumReason) -> bool| {
            channel.errata.iter().filter(|e| test(&e.reason)).count() as u64
        };
        let packages = |test: fn(&PlannedPackage) -> bool| {
            channel.packages.iter().filter(|p| test(p)).count() as u64
        };
        Self {
            source: channel.source.label.clone(),
            destination: channel.destination.label.clone(),
            create: channel.create.is_some(),
            errata_selected: errata(|why| {
                matches!(
                    why,
                    ErratumReason::Date | ErratumReason::Named | ErratumReason::Recorded
                )
            }),
            errata_available: channel.errata_available,
            errata_pulled: errata(|why| matches!(why, ErratumReason::Needed { .. })),
            errata_revised: errata(|why| matches!(why, ErratumReason::Revised)),
            packages: channel.packages.len() as u64,
            original_state: packages(|p| matches!(p.reason, PackageReason::OriginalState)),
            pulled: packages(|p| {
                matches!(
                    p.reason,
                    PackageReason::Needed { .. } | PackageReason::WithErratum { .. }
                )
            }),
            removed: channel.removals.len() as u64,
            packages_beyond: packages(|p| p.beyond.is_some()),
            errata_beyond: channel.errata.iter().filter(|e| e.beyond).count() as u64,
            open: channel
                .open
                .iter()
                .filter(|open| open.cause != OpenCause::Source)
                .count() as u64,
            open_in_source: channel
                .open
                .iter()
                .filter(|open| open.cause == OpenCause::Source)
                .count() as u64,
            broken: channel
                .broken
                .iter()
                .filter(|broken| !broken.source_broken)
                .count() as u64,
            naked: channel.naked,
        }
    }
}

/// What applying a plan did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CloneOutcome {
    /// The plan in numbers (another digest than the one given means that it was rebased).
    pub summary: PlanSummary,
    /// The versions that the channels have now.
    pub channels: Vec<ClonedChannel>,
}

/// One channel after a clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClonedChannel {
    /// The channel.
    pub channel: ChannelLabel,
    /// Its version before.
    pub from: Option<VersionNumber>,
    /// Its version now.
    pub to: Option<VersionNumber>,
}
