//! Tests of the whole crate, partly against the real programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod entries;
mod examined;
mod golden;
mod interrupted;
mod pkgmgr;
mod replay;
