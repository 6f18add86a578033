//! The airlock-virt-who program. Everything it does is in the library.

use clap::Parser;

/// Which guest runs on which host: reads hypervisors and reports to the servers that ask.
#[derive(Debug, Parser)]
#[command(name = "airlock-virt-who", version)]
struct Arguments {}

fn main() {
    let Arguments {} = Arguments::parse();
}
