//! The tests that talk: golden cases against replay servers, faults, and real parts.

mod airlock_protocol;
mod daemon;
mod destination_faults;
mod faults;
mod golden;
mod kinds;
mod libvirt;
mod parsers;
mod program;
mod server;
mod vcsim;
