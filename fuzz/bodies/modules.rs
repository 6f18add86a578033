//! What the fuzz target `modules` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::modules::{parse, write};

/// Documents that were read are the same when written and read again.
pub fn modules(bytes: &[u8]) {
    if let Ok(read) = parse(bytes) {
        let written = write(&read);
        match parse(&written) {
            Ok(again) => {
                let contents = |documents: &[airlock_repodata::modules::ModuleDocument]| {
                    documents
                        .iter()
                        .map(|document| document.content.clone())
                        .collect::<Vec<_>>()
                };
                assert_eq!(contents(&again), contents(&read));
            }
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
        }
        // A document that names fewer artifacts is read as it says.
        for document in &read {
            if let Ok(Some(left)) = document.with_artifacts(|artifact| artifact.len() % 2 == 0) {
                let again = parse(&write([&left])).unwrap_or_default();
                assert_eq!(again.len(), 1);
                assert_eq!(again[0].content, left.content);
            }
        }
    }
}
