#![no_main]

#[path = "../bodies/rpmdb.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::rpmdb(airlock_rpm::db::Kind::Sqlite, bytes));
