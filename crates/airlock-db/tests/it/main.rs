//! The same database tests on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod both;

mod audit;
mod equal;
mod principals;
mod rows;
mod schema;
mod tasks;
mod versions;
