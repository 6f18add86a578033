//! The state of packages on a machine.
//!
//! [`verify`] compares installed packages with the files on disk, as deep as `rpm -V`.

pub mod verify;
