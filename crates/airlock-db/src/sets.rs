//! Content sets: roaring bitmaps as byte strings.

use roaring::RoaringTreemap;

use crate::{Error, Result};

/// Versions after which a set is stored whole again.
pub(crate) const WHOLE_EVERY: i64 = 50;

/// Packs a set; runs make a freshly synced channel of any size a few bytes.
pub(crate) fn pack(set: &RoaringTreemap) -> Vec<u8> {
    let mut small = set.clone();
    small.optimize();
    let mut bytes = Vec::with_capacity(small.serialized_size());
    // Writing into memory cannot fail.
    let _ = small.serialize_into(&mut bytes);
    bytes
}

/// Opens a packed set.
pub(crate) fn open(bytes: &[u8]) -> Result<RoaringTreemap> {
    RoaringTreemap::deserialize_from(bytes).map_err(|e| Error::bad("content set", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_come_back_and_runs_are_small() {
        let set: RoaringTreemap = (1..=63_436).chain([1 << 40]).collect();
        let bytes = pack(&set);
        assert_eq!(open(&bytes).unwrap(), set);
        assert!(bytes.len() < 200, "{} bytes", bytes.len());
    }

    #[test]
    fn damaged_sets_are_refused() {
        assert!(open(b"nonsense").is_err());
    }
}
