//! The tests that talk: golden cases against replay servers, faults, and real parts.

mod golden;
mod libvirt;
mod server;
mod vcsim;
