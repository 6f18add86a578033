#![no_main]

#[path = "../bodies/clone_config.rs"]
mod body;
// The parser is part of a program, not of a library.
#[allow(dead_code, unused_imports, reason = "the program uses more of it")]
#[path = "../../crates/airlock/src/clone_by_date/config.rs"]
mod config;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::clone_config(bytes));
