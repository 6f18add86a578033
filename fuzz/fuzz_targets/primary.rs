#![no_main]

#[path = "../bodies/primary.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::primary(bytes));
