//! Old files of any bytes: whatever comes, there is an error and no panic.

#[path = "../../../../fuzz/bodies/virt_who_files.rs"]
mod body;

use airlock_virt_who::destination::pickle;
use proptest::prelude::*;

#[test]
fn cut_and_flipped_system_ids_do_no_harm() {
    let good = [
        pickle::write("system_id", "<?xml version=\"1.0\"?>\u{e4}\u{1f600}\n\\"),
        b"(dp0\nS'system_id'\np1\nS'ID-1'\np2\ns.".to_vec(),
        b"\x80\x04\x95\x1c\0\0\0\0\0\0\0}\x94\x8c\tsystem_id\x94\x8c\x04ID-1\x94s.".to_vec(),
    ];
    for bytes in good {
        assert!(pickle::read(&bytes).is_ok());
        body::virt_who_files(&bytes);
        for at in 0..bytes.len() {
            body::virt_who_files(&bytes[..at]);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                body::virt_who_files(&flipped);
            }
        }
    }
}

#[test]
fn what_could_run_something_is_refused() {
    for bytes in [
        b"cos\nsystem\n(S'true'\ntR.".as_slice(),
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02}q\0U\x01aq\x01h\0s.",
    ] {
        let error = pickle::read(bytes).unwrap_err();
        assert!(
            error.why.contains("opcode") || error.why.contains("reference"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        body::virt_who_files(&bytes);
    }

    #[test]
    fn any_list_does_no_harm(text in "([a-c ,'\"\\\\#;]|\\PC){0,60}") {
        body::virt_who_files(text.as_bytes());
    }
}
