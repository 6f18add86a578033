//! Bytes from outside: whatever comes, there is an error and no panic.

#[path = "../../../../fuzz/bodies/virt_who_answers.rs"]
mod answers;

use proptest::prelude::*;

/// Parts that answers are made of, so that chance gets somewhere.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"<a>",
        b"</a>",
        b"<objectSet>",
        b"</objectSet>",
        b"<kind>leave</kind>",
        b"<obj type=\"HostSystem\">h</obj>",
        b"<changeSet><name>vm</name><op>add</op><val>x</val></changeSet>",
        b"&amp;",
        b"&#0;",
        b"&x;",
        b"<!DOCTYPE a>",
        b"<![CDATA[",
        b"]]>",
        b"{\"hypervisors\":[",
        b"{\"uuid\":\"x\",\"guests\":[",
        b"]}",
        b"\xff\xfe",
        b"NTLMSSP\0\x02\0\0\0",
        b"--Encrypted Boundary",
        b"Content-Type: application/octet-stream\r\n",
        b"\x10\0\0\0",
        b"a: &x [*x]\n",
        b"- b\n",
    ];
    prop_oneof![
        proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn answers_of_any_bytes_are_no_panic(pieces in proptest::collection::vec(piece(), 0..30)) {
        answers::answers(&pieces.concat());
    }
}
