#![no_main]

#[path = "../bodies/package_list.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::package_list(bytes));
