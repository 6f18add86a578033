//! Test building blocks: RPM and repository builders, test servers, peers.
//!
//! A dev-dependency only: nothing that ships links it. Its functions panic with a text that says what to do, since a
//! test has nobody to hand an error to. Programs that a test needs (createrepo_c, dnf, PostgreSQL, …) are required,
//! never skipped: `scripts/test` installs them.
//!
//! | module | holds |
//! |---|---|
//! | [`rpms`], [`rpmbuild`], [`keys`] | real RPM files, source packages, signing keys of their own |
//! | [`repos`], [`states`] | repository folders made by createrepo_c; a small distribution over three days |
//! | [`http`] | a static HTTP server that counts requests and injects faults |
//! | [`postgres`] | a private PostgreSQL for this test process |
//! | [`dnf`], [`zypper`] | the real clients in scratch roots |
//! | [`process`] | the built `airlock` program: start, stop, kill |
//! | [`served`], [`crash`] | walks a served repository byte by byte; the crash loop |
//! | [`hostile`], [`seeded`] | seeded hostile bytes |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "used by tests only; a panic is how a test fails"
)]

pub mod crash;
pub mod dnf;
pub mod hostile;
pub mod http;
pub mod keys;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod repos;
pub mod rpmbuild;
pub mod rpms;
pub mod seeded;
pub mod served;
pub mod states;
pub mod zypper;
