#![no_main]

#[path = "../bodies/virt_who_files.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::virt_who_files(bytes));
