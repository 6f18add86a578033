#![no_main]

#[path = "../bodies/updateinfo.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::updateinfo(bytes));
