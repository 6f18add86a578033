//! How results look: tables, sizes, times, the line that a sync ends with.

pub mod channel;
pub mod check;
pub mod csv;
pub mod diff;
pub mod fold;
pub mod hypervisor;
pub mod outcome;
pub mod plan;
pub mod progress;
pub mod table;

use std::io::Write;

use airlock_model::Instant;

use crate::fail::Result;

/// Text from outside without control characters, which could move a terminal's cursor or forge lines.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// `3.2 MB`: decimal units, one digit behind the point below 100.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A time to the second: `2026-06-01T02:00:00Z`.
#[must_use]
pub fn time(instant: Instant) -> String {
    Instant::from_seconds(instant.seconds()).to_rfc3339()
}

/// Prints to standard output. A closed pipe (`| head`) ends the program quietly, as it would by SIGPIPE.
pub fn print(text: &str) -> Result {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(crate::fail::Fail::new(format!(
            "cannot write to standard output: {error}"
        ))),
        Ok(()) => Ok(()),
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result {
    print(&format!("{text}\n"))
}

/// Prints a document for programs.
pub fn json(value: &(impl serde::Serialize + ?Sized)) -> Result {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| crate::fail::Fail::new(error.to_string()))?;
    line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (3_200_000, "3.2 MB"),
            (99_960, "100 kB"),
            (999_600_000, "1.0 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn terminals_are_not_moved_by_names() {
        assert_eq!(plain("a\u{1b}[2Jb\rc"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
