//! Tests of the whole crate, partly against the real programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod golden;
mod pkgmgr;
mod replay;
