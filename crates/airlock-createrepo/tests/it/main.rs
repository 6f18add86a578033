//! createrepo against createrepo_c, and against itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod folder;
mod options;
mod peer;
mod update;
