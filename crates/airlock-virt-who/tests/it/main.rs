//! The tests that talk: golden cases against replay servers, faults, and real parts.

mod faults;
mod golden;
mod kinds;
mod libvirt;
mod parsers;
mod server;
mod vcsim;
