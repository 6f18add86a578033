//! Which guest runs on which host: reads hypervisors and reports to the servers that ask.
//!
//! | module | holds |
//! |---|---|
//! | [`model`] | guests, hypervisors, facts, reports; their JSON forms of both generations; duplicates |
//! | [`filter`] | which hosts are reported: wildcards, regular expressions, parents |
//! | [`backend`] | the trait that every kind of hypervisor implements, its errors, the registry; one module a kind |
//! | [`settings`] | what a backend is told about its source: server, account, trust, proxy, options of its own |
//! | [`http`] | one client a source: verified TLS, its own CA and proxy, time-outs, limits |
//! | [`xml`] | a small reader without DTD and with limits, for SOAP, WS-Management and oVirt |
//! | [`inventory`] | what one source has, by digests |
//! | [`destination`] | the trait that every server that takes reports implements: Candlepin, Satellite 5, Airlock |
//! | [`engine`] | the loop: one task a source, one a destination, the table between them; once |
//! | [`guard`], [`state`], [`metrics`] | reports that look wrong; what is kept over restarts; numbers |
//! | [`cli`], [`program`], [`status`], [`logging`] | the command lines, what each mode does, how everybody is, the log |
//! | [`secret`] | text that never shows in a log |
//! | [`config`], [`password`] | files, environment and command lines of both generations; encrypted passwords |

pub mod backend;
pub mod cli;
pub mod config;
pub mod destination;
pub mod engine;
pub mod filter;
pub mod guard;
pub mod http;
pub mod inventory;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod password;
pub mod program;
pub mod secret;
pub mod settings;
pub mod state;
pub mod status;
mod stream;
pub mod xml;
