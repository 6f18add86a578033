//! Tests of the INI reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod peculiar;
mod python;
mod replay;
