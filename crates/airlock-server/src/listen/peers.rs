//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at the same time.
const MOST: usize = 16_384;
/// Connections at the same time from one address. Generous, since a whole site may stand behind one address.
const MOST_OF_ONE: usize = 2_048;

/// Counts open connections.
#[derive(Debug, Clone, Default)]
pub struct Peers(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub struct Turn {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// A turn for a new connection; none when there are too many.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> Option<Turn> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= MOST {
            return None;
        }
        let own = counts.by_address.entry(address).or_insert(0);
        if *own >= MOST_OF_ONE {
            return None;
        }
        *own += 1;
        counts.all += 1;
        Some(Turn {
            peers: self.clone(),
            address,
        })
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_everything() {
        let peers = Peers::default();
        let one = IpAddr::from([192, 0, 2, 1]);
        let other = IpAddr::from([192, 0, 2, 2]);
        let mut turns: Vec<Turn> = (0..MOST_OF_ONE)
            .map(|_| peers.admit(one).unwrap())
            .collect();
        assert!(peers.admit(one).is_none());
        assert!(peers.admit(other).is_some());
        turns.pop();
        assert!(peers.admit(one).is_some());
        drop(turns);
        assert_eq!(peers.open(), 0);
    }
}
