//! Tests of the crate through its public face.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod compression;
mod cutting;
mod primary_fragments;
mod samples;
