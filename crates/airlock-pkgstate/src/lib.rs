//! The state of packages on a machine.
//!
//! [`verify`] compares installed packages with the files on disk, as deep as `rpm -V`. [`pkgmgr`] reads, binds and writes declared packages; [`xml`] is
//! how they are written.
//!
//! What a machine should have is declared by entries ([`declared`]) and settings ([`settings`]); [`decide`] says what differs
//! and what would be done about it.

pub mod decide;
pub mod declared;
pub mod evra;
pub mod host;
pub mod inventory;
pub mod pkgmgr;
pub mod plan;
pub mod report;
pub mod run;
pub mod safety;
pub mod server;
pub mod settings;
pub mod statistics;
pub mod verify;
pub mod xml;
