//! What the fuzz target `virt_who_files` does with its bytes; the tests of `airlock-virt-who` replay it.

use airlock_virt_who::config::words::{list, without_remark};
use airlock_virt_who::destination::pickle;
use airlock_virt_who::password::Key;

/// Lists, encrypted texts, key files and old system ids of any bytes: an error or a value, never a panic, never much more
/// than came in.
pub fn virt_who_files(bytes: &[u8]) {
    if let Ok(value) = pickle::read(bytes)
        && let Some(id) = value.get("system_id").and_then(pickle::Pickled::as_str)
    {
        // What is written is what is read.
        let again = pickle::read(&pickle::write("system_id", id)).expect("our own form");
        assert_eq!(
            again.get("system_id").and_then(pickle::Pickled::as_str),
            Some(id)
        );
    }
    let text = String::from_utf8_lossy(bytes);
    let (before, _) = without_remark(&text);
    if let Ok(items) = list(before) {
        assert!(items.iter().map(String::len).sum::<usize>() <= before.len());
        assert!(items.len() <= before.len() + 1);
    }
    let key = Key::parse("00112233445566778899aabbccddeeff\n0f1e2d3c4b5a69788796a5b4c3d2e1f0\n")
        .expect("a key");
    let _ = key.decrypt(&text);
    let encrypted = key.encrypt(&text);
    assert_eq!(
        key.decrypt(&encrypted).expect("our own text").reveal(),
        text
    );
    let _ = Key::parse(&text);
}
