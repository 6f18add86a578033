//! What `channel check` answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::VersionNumber;

/// Whether everything in a channel can be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// `LABEL@N` of the version that was checked.
    pub channel: String,
    /// `LABEL@N` of what was there beside it: its base channel, and what was named.
    pub with: Vec<String>,
    /// `LABEL@N` that it was compared with.
    pub baseline: Option<String>,
    /// Packages checked.
    pub packages: u64,
    /// Packages that cannot be installed, by name, architecture and version.
    pub broken: Vec<BrokenPackage>,
    /// How many of them are not broken in the baseline (all of them without one).
    pub newly_broken: u64,
    /// How many recommendations of the packages nothing there meets. They break nothing.
    #[serde(default)]
    pub recommendations_unmet: u64,
    /// The first of them, at most [`CheckReport::MOST_RECOMMENDATIONS`].
    #[serde(default)]
    pub recommendations: Vec<UnmetRecommendation>,
}

impl CheckReport {
    /// Recommendations that a report names; the others are counted.
    pub const MOST_RECOMMENDATIONS: usize = 1_000;
}

/// Something that a package recommends and that is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmetRecommendation {
    /// The package, `name-[epoch:]version-release.arch`.
    pub package: String,
    /// What it recommends.
    pub recommends: String,
    /// Packages of the source that would meet it; only in plans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

/// A package that cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenPackage {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// Why, a line a step.
    pub problem: String,
    /// The first version in which it is broken, up to the one checked.
    pub since: Option<VersionNumber>,
    /// It is broken in the baseline, too.
    pub in_baseline: bool,
}
