#![no_main]

#[path = "../bodies/virt_who_answers.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::answers(bytes));
