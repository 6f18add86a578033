//! The tests that talk: golden cases against replay servers, faults, and real parts.

mod airlock_protocol;
mod destination_faults;
mod daemon;
mod golden;
mod libvirt;
mod program;
mod server;
mod vcsim;
