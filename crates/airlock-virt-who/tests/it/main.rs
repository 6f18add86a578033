//! The tests that talk: golden cases against replay servers, faults, and real parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod airlock_protocol;
mod candlepin_login;
mod checks;
mod daemon;
mod destination_faults;
mod faults;
mod files;
mod golden;
mod kinds;
mod libvirt;
mod libvirt_faults;
mod parsers;
mod program;
mod server;
mod vcsim;
mod whole_way;
