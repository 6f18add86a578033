//! What planning is asked, in numbers: packages of one pool, errata as lists of packages, dates as days.

use airlock_model::{NakedCounts, PackageReason};
use airlock_solve::{Modules, PackageId, PackageSet, Universe};
use jiff::civil::Date;

use crate::Result;

/// When a package of a source counts as having appeared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// It is part of the original state: always there.
    Original,
    /// No erratum lists it, and it is not part of the original state that was asked for.
    Later,
    /// The oldest erratum of its channel that lists it; none when that has no date.
    Erratum(Option<Date>),
}

/// Where an erratum of a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The clone has it as it is.
    Present,
    /// The clone has it as it is, but not all of its packages.
    Incomplete,
    /// The clone has it, and the original was revised.
    Revised,
    /// It is selected by its date.
    InRange,
    /// It is selected by its name.
    Named,
    /// The recorded version that is copied has it, and the clone does not.
    Recorded,
    /// Only dependencies can bring it.
    Available,
}

/// An erratum of a source channel.
#[derive(Debug, Clone)]
pub(super) struct ErratumQuestion {
    /// Its place among the distinct errata of the whole tree: the same in each channel that lists it.
    pub number: usize,
    /// Its name.
    pub advisory: String,
    /// The date that counts.
    pub date: Option<Date>,
    /// Its packages in this source channel.
    pub packages: Vec<PackageId>,
    /// Of these, what its original got since the clone has it.
    pub added: Vec<PackageId>,
    /// It names no package at all.
    pub names_none: bool,
    /// Where it stands.
    pub standing: Standing,
}

/// A source and its clone.
#[derive(Debug, Clone, Default)]
pub(super) struct ChannelQuestion {
    /// Packages of the source with when they count as having appeared, by number.
    pub source: Vec<(PackageId, When)>,
    /// Packages of the clone that stay.
    pub kept: Vec<PackageId>,
    /// Packages that come in whatever the dependencies say, with the reason, each once.
    pub taken: Vec<(PackageId, PackageReason)>,
    /// Packages that must not be in the clone.
    pub barred: PackageSet,
    /// Errata of the source.
    pub errata: Vec<ErratumQuestion>,
    /// What the choices of `naked` would leave out.
    pub naked: NakedCounts,
}

/// The whole question.
pub(super) struct Question<'a, 'p> {
    /// All packages: the sources', the clones' own ones, the parents'.
    pub universe: &'a Universe<'p>,
    /// The modules of all of them.
    pub modules: &'a Modules,
    /// The modules of the clones and their base channel, as published when each clone holds some packages.
    pub published: &'a dyn Fn(&[Vec<PackageId>]) -> Result<Modules>,
    /// The channels.
    pub channels: Vec<ChannelQuestion>,
    /// Packages of the clones' existing base channel, which is searched and not changed.
    pub parent: PackageSet,
    /// Packages of the sources' base channel when that is not cloned.
    pub source_parent: PackageSet,
    /// The last day asked for; none when nothing is beyond.
    pub bound: Option<Date>,
    /// Whether dependencies are pulled in.
    pub solve: bool,
    /// Whether the other packages of errata that were pulled in bring their dependencies.
    pub solve_errata: bool,
    /// Whether providers beyond the date are left alone.
    pub strict: bool,
    /// Asked now and then; false when nobody waits for the answer any more.
    pub goes_on: &'a dyn Fn() -> bool,
}
