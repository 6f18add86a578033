//! Listening: TCP (plain or TLS) and the local socket, limits on connections, a graceful end.

pub mod patience;
pub mod rewind;
pub mod tls;

mod accept;
mod deadline;
mod peers;

pub use accept::{local, tcp};
pub use peers::Peers;

use std::net::SocketAddr;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection.
    Network(SocketAddr),
    /// The local socket, with the peer's user id by the kernel.
    Local {
        /// The user id.
        uid: u32,
    },
}

impl Peer {
    /// The address, for limits and logs.
    #[must_use]
    pub const fn address(self) -> Option<std::net::IpAddr> {
        match self {
            Self::Network(address) => Some(address.ip()),
            Self::Local { .. } => None,
        }
    }
}
