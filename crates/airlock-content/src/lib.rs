//! Channels, versions, sync, push, publication and upkeep of content.
//!
//! Floor 3: the rules of the field. Works on a database, a blob store and downloads handed to it, with the clock as a
//! parameter; knows no HTTP. [`Content`] is the whole of it for the faces.

mod along;
mod arriving;
mod audit_head;
mod channels;
mod check;
pub mod checksum;
mod clone;
mod commit;
mod content;
mod context;
mod delete;
mod diff;
mod edit;
mod error;
mod explanation;
mod filter;
mod fsck;
mod gate;
mod gc;
mod guard;
pub mod ingest;
mod inspect;
pub mod location;
mod named;
mod on_demand;
mod own_packs;
pub mod pack;
mod pools;
mod promote;
pub mod publication;
mod push;
mod rebuild;
mod resolve;
mod schedule;
mod serve;
mod signing;
mod sync;
mod versions;
mod view;

pub use arriving::{ArrivedRun, Arriving, ArrivingBytes, HELD_BACK};
pub use audit_head::{AUDIT_HEAD, write_audit_head};
pub use clone::{
    KeptPlan, LARGEST_PLAN, UndoStep, Undone, meets_by_name, names_package, names_requirement,
    plan_about, read_plan, read_plan_to_apply, split_nevra, write_plan,
};
pub use content::{Content, ContentSettings};
pub use context::{BeforeChange, TaskContext, Unwatched};
pub use edit::{AddFrom, EditOutcome};
pub use error::{Error, Result};
pub use gate::Held;
pub use on_demand::FetchOutcome;
pub use push::StagedFile;
pub use resolve::{ResolvedVersion, split_label};
pub use schedule::Schedule;
pub use serve::Served;
pub use signing::METADATA_KEY;
pub use sync::SyncOptions;
pub use view::{VersionView, ViewPack};
