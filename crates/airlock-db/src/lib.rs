//! The database: SQLite and PostgreSQL behind one file per aggregate.
//!
//! The only crate that knows SQL. One SQL text serves both databases (sqlx's `Any` driver), so they cannot drift apart;
//! the few differences are in [`mod@dialect`]. Functions that read take a [`Db`], functions that change take a [`Tx`], so
//! that a caller can make several changes one.

mod attempts;
pub mod audit;
pub mod channels;
mod connect;
mod dialect;
pub mod errata;
pub mod errata_clones;
mod error;
pub mod hypervisors;
mod migrate;
pub mod organizations;
pub mod package_files;
pub mod principals;
pub mod records;
mod sets;
pub mod settings;
pub mod tasks;
pub mod versions;

pub use attempts::Attempts;
pub use connect::{Db, Tx};
pub use error::{Error, Result};
