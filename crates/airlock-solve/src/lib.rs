//! Dependencies of RPM packages: what is missing, what can be installed, what would be, and why.
//!
//! A [`Pool`] holds the packages of some repositories with their dependencies as small numbers; a
//! [`Universe`] is a pool made ready for questions. No database, no network, no policy of the
//! field: bytes in, values out.

pub mod arch;
mod build;
mod clause;
mod closure;
mod dependency;
mod draft;
mod engine;
pub mod error;
mod explain;
mod files;
mod hopeless;
mod installable;
mod intern;
mod lists;
mod load;
mod modules;
mod pool;
mod providers;
mod resolve;
mod rich;
mod set;
mod sight;
mod solve;
mod store;
mod universe;
mod weak;

pub use airlock_repodata::primary::DependencyKind;
pub use build::PoolBuilder;
pub use closure::{Choice, Closure, Pulled, Unmet};
pub use dependency::{DependencyId, EvrId, Expression, Sense};
pub use draft::Draft;
pub use error::{Error, Result, RichFault};
pub use explain::{Exclusion, Explanation, Step};
pub use files::WantedPaths;
pub use installable::Installability;
pub use intern::StringId;
pub use modules::{Context, Enabled, Modules};
pub use pool::{Malformed, Package, PackageId, Pool, RepositoryId};
pub use set::PackageSet;
pub use sight::Sight;
pub use solve::{Solver, Transaction, Why};
pub use universe::{Settings, Universe};
pub use weak::Recommended;
