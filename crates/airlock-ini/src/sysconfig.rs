//! `/etc/sysconfig` files: lines `NAME=value`, as a shell and systemd's `EnvironmentFile=` both read them.

use std::fmt;
use std::sync::Arc;

use crate::lines::{blank, place, split, strip, text};
use crate::{Limits, Place, Result, Warning};

/// One variable. `Debug` leaves the value out: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name as written.
    pub name: String,
    /// Its value without quotes.
    pub value: String,
    /// Where it stands.
    pub place: Place,
}

impl fmt::Debug for Variable {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Variable")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The variables of a file, each name once: the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sysconfig {
    /// In the order of their last assignments.
    pub variables: Vec<Variable>,
    /// Lines that set nothing, and the like.
    pub warnings: Vec<Warning>,
}

impl Sysconfig {
    /// The value of a variable.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|variable| variable.name == name)
            .map(|variable| variable.value.as_str())
    }
}

/// Reads a sysconfig file. `$NAME` in values is not replaced.
///
/// # Errors
/// When the bytes are no text or too many.
pub fn parse_sysconfig(name: &str, bytes: &[u8], limits: Limits) -> Result<Sysconfig> {
    let file: Arc<str> = name.into();
    let mut out = Sysconfig::default();
    let text = text(&file, bytes, limits.bytes, &mut out.warnings)?;
    for (index, line) in split(text).enumerate() {
        let line = strip(line);
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let place = place(&file, index);
        let line = match line.strip_prefix("export") {
            Some(rest) if rest.starts_with(blank) => strip(rest),
            _ => line,
        };
        let Some((name, written)) = line
            .split_once('=')
            .filter(|(name, _)| is_name(strip(name)))
        else {
            out.warnings.push(Warning::NotAnAssignment { place });
            continue;
        };
        let name = strip(name).to_owned();
        let value = unquote(strip(written)).unwrap_or_else(|| {
            out.warnings.push(Warning::OpenQuote {
                name: name.clone(),
                place: place.clone(),
            });
            strip(written).to_owned()
        });
        if out.variables.len() >= limits.options {
            return Err(crate::Error::TooMany {
                place,
                what: "options",
                most: limits.options,
            });
        }
        out.variables.push(Variable { name, value, place });
    }
    // The last assignment of a name is the one that counts.
    let mut seen = std::collections::HashSet::new();
    out.variables.reverse();
    out.variables
        .retain(|variable| seen.insert(variable.name.clone()));
    out.variables.reverse();
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value without quotes and backslashes; `None` when a quote stays open.
fn unquote(written: &str) -> Option<String> {
    let mut out = String::with_capacity(written.len());
    let mut quote = None;
    let mut characters = written.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '\\') => out.extend(characters.next()),
            (Some('"'), '\\') => match characters.peek() {
                Some('"' | '\\' | '$' | '`') => out.extend(characters.next()),
                _ => out.push('\\'),
            },
            _ => out.push(character),
        }
    }
    quote.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_assignment_counts_and_quotes_go() {
        let text = b"# remark\nA=1\nexport B='x y'\nA=\"2 \\\" 3\"\nC=a\\ b\nbad line\nD='open\n";
        let read = parse_sysconfig("sysconfig", text, Limits::default()).expect("it is text");
        assert_eq!(read.value("A"), Some("2 \" 3"));
        assert_eq!(read.value("B"), Some("x y"));
        assert_eq!(read.value("C"), Some("a b"));
        assert_eq!(read.value("D"), Some("'open"));
        assert_eq!(read.variables.len(), 4);
        let told: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "sysconfig:6: not of the form NAME=value; the line is left out",
                "sysconfig:7: D: a quote is not closed; it is taken literally",
            ]
        );
    }
}
