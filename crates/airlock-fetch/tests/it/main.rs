//! Downloads against a server that misbehaves on demand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod broken;
mod chaos;
mod clients;
mod followed;
mod local;
mod many;
mod place;
mod plain;
mod proxy;
mod redirects;
mod restart;
mod server;
mod slow;
mod tls;
mod trusted;
