#![no_main]

#[path = "../bodies/filelists.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::filelists(bytes));
