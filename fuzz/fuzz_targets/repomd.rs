#![no_main]

#[path = "../bodies/repomd.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::repomd(bytes));
