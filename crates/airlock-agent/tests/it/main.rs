//! The program beside the real rpm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod damage;
mod declared;
mod named;
mod options;
mod query;
mod scratch;
mod transaction;
