//! Messages: to standard error, and to a file where one is named.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::arguments::Common;

/// Where messages go, and how many.
pub struct Log {
    level: u8,
    file: Option<File>,
}

impl Log {
    /// With `-d` everything is said; a file is written to at its end.
    pub fn open(common: &Common, file: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            let file = File::options().append(true).create(true).open(path);
            file.with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self {
            level: if common.debug { 2 } else { common.verbose },
            file: file.map(open).transpose()?,
        })
    }

    /// Something that looks like a mistake.
    pub fn warn(&mut self, text: &str) {
        eprintln!("warning: {text}");
        self.keep(&format!("warning: {text}\n"));
    }

    /// Something for those who asked for more.
    pub fn say(&mut self, level: u8, text: &str) {
        if level <= self.level {
            eprintln!("{text}");
            self.keep(&format!("{text}\n"));
        }
    }

    /// Only for the file.
    pub fn keep(&mut self, text: &str) {
        // What cannot be kept was said all the same.
        if let Some(file) = &mut self.file {
            let _ = file.write_all(text.as_bytes());
        }
    }
}
