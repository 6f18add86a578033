//! What long jobs and comparisons answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelLabel, CheckReport, VersionNumber};

/// A package named by NEVRA and checksum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct PackageRef {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// `sha256:…`: checksum type and value as the source named it.
    pub checksum: String,
}

/// A package of a version, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageRow {
    /// Name.
    pub name: String,
    /// Epoch; 0 when unset.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// Checksum type.
    pub checksum_type: String,
    /// Checksum value (hex).
    pub checksum: String,
    /// Bytes of the file.
    pub size: u64,
    /// File name.
    pub file_name: String,
    /// Where it is served below the repository.
    pub location: String,
    /// Whether the file is held here.
    pub held: bool,
    /// Whether its own header was verified here.
    pub verified: bool,
}

impl PackageRow {
    /// `name-[epoch:]version-release.arch`; the epoch only when it is not 0.
    #[must_use]
    pub fn nevra(&self) -> String {
        if self.epoch == 0 {
            format!(
                "{}-{}-{}.{}",
                self.name, self.version, self.release, self.arch
            )
        } else {
            format!(
                "{}-{}:{}-{}.{}",
                self.name, self.epoch, self.version, self.release, self.arch
            )
        }
    }
}

/// One name and architecture whose newest version differs between two versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct EvrChange {
    /// Name.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// `[epoch:]version-release` before.
    pub from: String,
    /// `[epoch:]version-release` after.
    pub to: String,
}

/// What differs between two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffReport {
    /// `LABEL@N` of the left side.
    pub from: String,
    /// `LABEL@N` of the right side.
    pub to: String,
    /// Packages only on the right.
    pub added: Vec<PackageRef>,
    /// Packages only on the left.
    pub removed: Vec<PackageRef>,
    /// Names whose newest version went up.
    pub upgraded: Vec<EvrChange>,
    /// Names whose newest version went down.
    pub downgraded: Vec<EvrChange>,
    /// Advisories only on the right, or in another revision.
    pub errata_added: Vec<String>,
    /// Advisories only on the left.
    pub errata_removed: Vec<String>,
    /// CVEs named by added errata and not by errata of the left.
    pub cves_added: Vec<String>,
    /// Types of attachments that differ (comps, modules …).
    pub attachments_changed: Vec<String>,
}

/// Errata counted by severity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeverityCounts {
    /// Critical.
    pub critical: u64,
    /// Important.
    pub important: u64,
    /// Moderate.
    pub moderate: u64,
    /// Low.
    pub low: u64,
    /// Everything else, bug fixes included.
    pub other: u64,
}

impl SeverityCounts {
    /// Counts one erratum.
    pub fn count(&mut self, severity: &str) {
        match severity.to_ascii_lowercase().as_str() {
            "critical" => self.critical += 1,
            "important" => self.important += 1,
            "moderate" => self.moderate += 1,
            "low" => self.low += 1,
            _ => self.other += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.critical + self.important + self.moderate + self.low + self.other
    }
}

/// A package that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedPackage {
    /// File name or NEVRA.
    pub package: String,
    /// The reason, for a person.
    pub reason: String,
}

/// Why a sync was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldSync {
    /// The reason with its numbers.
    pub reason: String,
    /// Packages now.
    pub packages_before: u64,
    /// Packages the upstream has now.
    pub packages_after: u64,
}

/// How a channel's sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Nothing had changed: no new version.
    Unchanged,
    /// A new version was made and published.
    Published,
    /// Held by the shrink guard or by a gate; the current version stays.
    Held,
    /// Failed; the current version stays.
    Failed,
}

/// How the last sync of a channel ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastSync {
    /// How.
    pub state: SyncState,
    /// When.
    pub at: crate::Instant,
    /// Why it failed or was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One channel's part of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncOutcome {
    /// The channel.
    pub channel: ChannelLabel,
    /// How it ended.
    pub state: SyncState,
    /// The version before.
    pub from: Option<VersionNumber>,
    /// The version now current.
    pub to: Option<VersionNumber>,
    /// Packages added.
    pub added: u64,
    /// Packages removed.
    pub removed: u64,
    /// Packages now.
    pub packages: u64,
    /// Errata that are new or revised, by severity.
    pub errata: SeverityCounts,
    /// Bytes brought in.
    pub bytes: u64,
    /// Packages left out, with reasons (the first hundred).
    pub refused: Vec<RefusedPackage>,
    /// How many packages were left out in all.
    #[serde(default)]
    pub left_out: u64,
    /// Warnings for a person.
    pub warnings: Vec<String>,
    /// Why the shrink guard held it.
    pub held: Option<HeldSync>,
    /// What the channel's gate found that held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<CheckReport>,
    /// What failed, or why it was held by a gate.
    pub error: Option<String>,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushOutcome {
    /// The channel.
    pub channel: ChannelLabel,
    /// The version now current.
    pub version: Option<VersionNumber>,
    /// Packages that are new in the channel.
    pub added: Vec<PackageRef>,
    /// Packages that were there already.
    pub present: Vec<PackageRef>,
    /// Warnings for a person.
    pub warnings: Vec<String>,
}

/// What deleting a channel would take away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletePreview {
    /// The channel.
    pub channel: ChannelLabel,
    /// Its versions.
    pub versions: u64,
    /// Child channels; they stop the deletion.
    pub children: Vec<ChannelLabel>,
    /// Clones of it; they stop the deletion.
    pub clones: Vec<ChannelLabel>,
    /// Days in which the deletion can be undone.
    pub undo_days: u32,
}

/// One thing that `fsck` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FsckFinding {
    /// The invariant broken: `I1` … (docs/operations.md).
    pub invariant: String,
    /// What is wrong, naming channel, version, file.
    pub what: String,
    /// Whether `--repair` mended it.
    pub repaired: bool,
}

/// What `fsck` saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FsckReport {
    /// Whether content was hashed again.
    pub deep: bool,
    /// Channels looked at.
    pub channels: u64,
    /// Versions looked at.
    pub versions: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Bytes hashed (deep).
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<FsckFinding>,
}

/// What `gc` took away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcReport {
    /// Channels purged after their 7 days.
    pub channels: u64,
    /// Blobs removed.
    pub blobs: u64,
    /// Bytes freed.
    pub bytes: u64,
    /// Blobs kept because they are younger than the grace period.
    pub in_grace: u64,
    /// Temporary files removed.
    pub temporary_files: u64,
}
