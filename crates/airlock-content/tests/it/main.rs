//! The content domain on real repositories, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod world;

mod access;
mod arriving;
mod changing;
mod checking;
mod cloning;
mod collecting;
mod edits;
mod faults;
mod gates;
mod history;
mod hostile;
mod merging;
mod odd_upstreams;
mod own_content;
mod syncing;
mod trouble;
mod upkeep;
