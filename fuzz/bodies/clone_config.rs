//! What the fuzz target `clone_config` does with its bytes; the tests of `airlock` replay it.

use super::config::{ALL, read};

/// Reads a config file: nothing may panic, a mistake has words, and what is accepted is sound.
pub fn clone_config(bytes: &[u8]) {
    let config = match read(bytes) {
        Ok(config) => config,
        Err(mistake) => {
            assert!(!mistake.why.is_empty() && !mistake.hint.is_empty());
            return;
        }
    };
    assert!(!config.trees.is_empty());
    let mut destinations = Vec::new();
    for tree in &config.trees {
        assert!(!tree.pairs.is_empty());
        for pair in &tree.pairs {
            assert_ne!(pair.source, pair.destination);
            destinations.push(pair.destination.clone());
        }
    }
    let all = destinations.len();
    destinations.sort();
    destinations.dedup();
    assert_eq!(all, destinations.len());
    for (label, list) in config.blacklist.iter().chain(&config.removelist) {
        assert!(!list.is_empty());
        assert!(label == ALL || config.trees.iter().any(|tree| tree.has_destination(label)));
    }
}
