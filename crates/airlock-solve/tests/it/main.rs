//! Tests of the dependency engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod brute;
mod closing;
mod differential;
mod folder;
mod modular;
mod replay;
mod small;
mod why;
mod world;
