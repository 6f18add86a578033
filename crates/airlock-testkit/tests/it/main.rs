//! The kit against the real programs: what it builds is what rpm, createrepo_c, dnf and zypper accept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod clients;
mod http_server;
mod packages;
mod postgres_server;
mod sample;
mod served_repository;
