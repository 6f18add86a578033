#![no_main]

#[path = "../bodies/evr.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::evr(bytes));
