#![no_main]

#[path = "../bodies/ini.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::ini(bytes));
