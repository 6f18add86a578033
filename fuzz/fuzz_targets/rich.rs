#![no_main]

#[path = "../bodies/rich.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::rich(bytes));
