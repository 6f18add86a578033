#![no_main]

#[path = "../bodies/configuration.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::configuration(bytes));
