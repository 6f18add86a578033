#![no_main]

#[path = "../bodies/modules.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::modules(bytes));
