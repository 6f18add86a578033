//! The vocabulary: ids, nouns, error kinds and the DTOs of the REST API.
//!
//! Floor 1: knows only serde. Every word here is the word used in code, API, CLI, UI and docs
//! (ARCHITECTURE.md, "Vocabulary").

mod actor;
mod channel;
mod check;
mod clock;
mod clone;
mod error_kind;
mod faults;
mod fleet;
pub mod hypervisors;
mod ids;
mod instant;
mod label;
mod progress;
mod report;
mod task;
mod undo;
mod version;

pub use actor::{Actor, Cause, Role};
pub use channel::{
    Access, Channel, ChannelPatch, ChannelUpstream, Compression, Gate, MetadataMode, NewChannel,
    NewUpstream, PackageFilter, Policy, SignaturePolicy, SignatureWish, UpstreamSettings,
};
pub use check::{BrokenPackage, CheckReport, UnmetRecommendation};
pub use clock::{Clock, ManualClock, SystemClock};
pub use clone::{
    Beyond, BlacklistScope, ChannelSummary, CloneOutcome, ClonePair, CloneParents, CloneRequest,
    ClonedChannel, ErratumReason, Naked, NakedCounts, OpenCause, OpenRequirement, PackageReason,
    Plan, PlanSummary, PlannedBroken, PlannedChannel, PlannedChild, PlannedCreation,
    PlannedErratum, PlannedFile, PlannedPackage, PlannedParents, PlannedRemoval, PlannedVersion,
    RemovalReason,
};
pub use error_kind::ErrorKind;
pub use faults::{Fault, Faults};
pub use fleet::{
    GuestPlace, GuestRow, HypervisorDetail, HypervisorEvent, HypervisorEventKind, HypervisorRow,
    HypervisorSource, SourceState, TokenScope,
};
pub use hypervisors::{
    HypervisorAnswer, HypervisorBody, HypervisorMessage, HypervisorVerdict, ReportedGuest,
    ReportedHost,
};
pub use ids::{
    AuditId, ChannelId, ErratumId, ErratumRevisionId, HypervisorId, OrgId, PackId, RecordId,
    SourceId, TaskId, TokenId, UpstreamId, UserId,
};
pub use instant::Instant;
pub use label::{ChannelLabel, LabelError};
pub use progress::{CancelFlag, Progress, Reporter, SilentReporter};
pub use report::{
    DeletePreview, DiffReport, EvrChange, FsckFinding, FsckReport, GcReport, HeldSync, LastSync,
    PackageRef, PackageRow, PushOutcome, RefusedPackage, SeverityCounts, SyncOutcome, SyncState,
};
pub use task::{TaskInfo, TaskState};
pub use undo::{UndoneChannel, UndonePlan};
pub use version::{
    Attachment, ErratumRow, VersionInfo, VersionKind, VersionNumber, VersionSelector,
    VersionSelectorError,
};
