//! The airlock program: server and administration command line.
fn main() {}
