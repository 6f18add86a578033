//! createrepo against createrepo_c, and against itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod command;
mod folder;
mod interrupted;
mod options;
mod pair;
mod peer;
mod sizes;
mod update;
