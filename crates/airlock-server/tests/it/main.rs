//! The server's faces over real sockets, in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod arriving;
mod client;
mod clones;
mod openapi;
mod organizations;
mod repos;
mod rest;
mod rights;
mod sockets;
