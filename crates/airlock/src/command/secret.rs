//! Secrets are read from files, standard input or a terminal without echo; never from arguments, which `ps` shows.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::fail::{Fail, Result};

/// The first line of a file; `-` is standard input.
pub fn from_file(path: &Path) -> Result<String> {
    let text = if path == Path::new("-") {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Fail::new(format!("cannot read standard input: {error}")))?;
        line
    } else {
        std::fs::read_to_string(path).map_err(|error| Fail::file("cannot read", path, &error))?
    };
    let secret = text.lines().next().unwrap_or_default().to_owned();
    if secret.is_empty() {
        return Err(Fail::usage(format!(
            "{} holds no secret in its first line",
            path.display()
        )));
    }
    Ok(secret)
}

/// From the file, or asked for at the terminal.
pub fn from_file_or_terminal(path: Option<&Path>, question: &str, twice: bool) -> Result<String> {
    if let Some(path) = path {
        return from_file(path);
    }
    let Some(first) = from_terminal(question)? else {
        return Err(Fail::usage("nobody is there to be asked for a password")
            .hint("--password-file FILE, or --password-file - for standard input"));
    };
    if twice && ask("The same once more: ")? != first {
        return Err(Fail::new("the two are not the same"));
    }
    Ok(first)
}

/// Asked for at the terminal; none when there is no terminal.
pub fn from_terminal(question: &str) -> Result<Option<String>> {
    if std::io::stdin().is_terminal() {
        ask(question).map(Some)
    } else {
        Ok(None)
    }
}

fn ask(question: &str) -> Result<String> {
    let failed = |error: std::io::Error| Fail::new(format!("cannot ask at the terminal: {error}"));
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).map_err(|error| failed(error.into()))?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    tcsetattr(&stdin, OptionalActions::Flush, &quiet).map_err(|error| failed(error.into()))?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
    eprintln!();
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        std::fs::write(&path, "correct horse \nmore\n").unwrap();
        assert_eq!(from_file(&path).unwrap(), "correct horse ");
        std::fs::write(&path, "\n").unwrap();
        assert!(from_file(&path).is_err());
    }
}
