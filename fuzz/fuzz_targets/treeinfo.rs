#![no_main]

#[path = "../bodies/treeinfo.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::treeinfo(bytes));
