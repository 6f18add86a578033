#![no_main]

#[path = "../bodies/rpm_header.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::rpm_header(bytes));
