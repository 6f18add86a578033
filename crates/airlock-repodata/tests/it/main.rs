//! Tests of the crate through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod compression;
mod cutting;
mod differential;
mod made;
mod primary_fragments;
mod replay;
mod repomd_files;
mod round_trips;
mod samples;
mod small_formats;
mod updates;
