#![no_main]

#[path = "../bodies/metalink.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::metalink(bytes));
