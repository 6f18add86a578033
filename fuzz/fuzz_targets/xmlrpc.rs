#![no_main]

#[path = "../bodies/xmlrpc.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::xmlrpc(bytes));
