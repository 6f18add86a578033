//! Standard output. Whoever reads it may have seen enough (`| head`): what was begun goes on.

use std::io::{ErrorKind, Result, Write as _};

/// Prints text. A closed pipe is no error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result<()> {
    print(&format!("{text}\n"))
}
