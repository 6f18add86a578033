//! The state of packages on a machine.
//!
//! [`verify`] compares installed packages with the files on disk, as deep as `rpm -V`. [`pkgmgr`] reads, binds and writes declared packages; [`xml`] is
//! how they are written.

pub mod pkgmgr;
pub mod verify;
pub mod xml;
