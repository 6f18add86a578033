//! The built program, as its users run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod checks;
mod clients;
mod clone_by_date;
mod cloning;
mod commands;
mod crash;
mod disk_full;
mod fake_server;
mod help;
mod modules;
mod pkgmgr;
mod postgres;
mod secrets;
mod unchanged;
