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
//! | [`secret`] | text that never shows in a log |
//! | [`config`], [`password`] | files, environment and command lines of both generations; encrypted passwords |

pub mod backend;
pub mod config;
pub mod destination;
pub mod filter;
pub mod http;
pub mod inventory;
pub mod model;
pub mod password;
pub mod secret;
pub mod settings;
pub mod xml;
