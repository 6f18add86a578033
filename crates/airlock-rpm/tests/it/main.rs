//! Tests of the whole crate, partly against the real programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod allocation;
mod built;
mod differential;
mod digests;
mod flips;
mod forge;
mod gpg;
mod hostile;
mod replay;
mod rpmdb;
mod signatures;
mod signing_key;
mod versions;

#[global_allocator]
static COUNTING: allocation::Counting = allocation::Counting;
