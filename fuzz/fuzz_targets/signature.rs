#![no_main]

#[path = "../bodies/signature.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::signature(bytes));
