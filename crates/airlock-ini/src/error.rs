//! What keeps a file from being read, and what is only worth a word.

use std::fmt;
use std::sync::Arc;

use crate::Place;

/// The result of reading.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file was not read. Values never stand in these texts: a line may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than [`crate::Limits::bytes`].
    #[error(
        "{file}: {bytes} bytes are too many for a settings file (at most {most}); is it the right file?"
    )]
    TooLong {
        /// The file.
        file: Arc<str>,
        /// Its bytes.
        bytes: usize,
        /// How many may be.
        most: usize,
    },
    /// More sections or options than the limits allow.
    #[error("{place}: more than {most} {what}; split the file")]
    TooMany {
        /// Where the limit was passed.
        place: Place,
        /// `sections` or `options`.
        what: &'static str,
        /// How many may be.
        most: usize,
    },
    /// Not text.
    #[error("{place}: not UTF-8 text; save the file as UTF-8")]
    Encoding {
        /// The first line with a wrong byte.
        place: Place,
    },
    /// A NUL byte, as in UTF-16 and in binary files.
    #[error("{place}: a NUL byte; save the file as UTF-8 text")]
    Nul {
        /// The first line with one.
        place: Place,
    },
    /// An option before any section.
    #[error("{place}: no section header before this line; begin with a line like [name]")]
    NoHeader {
        /// The line.
        place: Place,
    },
    /// Lines that are neither a header, nor an option, nor the continuation of one.
    #[error("{}", bad_lines(.lines))]
    Lines {
        /// All of them, at most 20.
        lines: Vec<BadLine>,
    },
}

/// A line that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it, with what to do.
    pub why: &'static str,
}

fn bad_lines(lines: &[BadLine]) -> String {
    let shown: Vec<String> = lines
        .iter()
        .map(|line| format!("{}: {}", line.place, line.why))
        .collect();
    shown.join("; ")
}

/// What was read although it looks like a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A `%` that is no reference; it was taken as it stands.
    LonePercent {
        /// The option.
        name: String,
        /// Where.
        place: Place,
    },
    /// `%(name)s` names nothing; it was taken as it stands.
    UnknownReference {
        /// The option.
        name: String,
        /// What it asks for.
        wanted: String,
        /// Where.
        place: Place,
    },
    /// `%(name)s` leads in a circle, deeper than ten steps or to a huge value; it was taken as it stands.
    EndlessReference {
        /// The option.
        name: String,
        /// Where.
        place: Place,
    },
    /// An option that stands twice in its section; the later one counts.
    Repeated {
        /// The option.
        name: String,
        /// The one that counts.
        place: Place,
        /// The line of the one before.
        before: u32,
    },
    /// A remark behind a value was cut off.
    RemarkCut {
        /// The option.
        name: String,
        /// Where.
        place: Place,
    },
    /// The file begins with a byte order mark.
    ByteOrderMark {
        /// The file.
        place: Place,
    },
    /// A line of a sysconfig file that sets nothing.
    NotAnAssignment {
        /// Where.
        place: Place,
    },
    /// A quote that is not closed on its line; the text after it was taken as it stands.
    OpenQuote {
        /// The variable.
        name: String,
        /// Where.
        place: Place,
    },
}

impl Warning {
    /// Where it is about.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::LonePercent { place, .. }
            | Self::UnknownReference { place, .. }
            | Self::EndlessReference { place, .. }
            | Self::Repeated { place, .. }
            | Self::RemarkCut { place, .. }
            | Self::ByteOrderMark { place }
            | Self::NotAnAssignment { place }
            | Self::OpenQuote { place, .. } => place,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: ", self.place())?;
        match self {
            Self::LonePercent { name, .. } => write!(
                to,
                "option \"{name}\": a lone '%' is taken literally; older programs need '%%'"
            ),
            Self::UnknownReference { name, wanted, .. } => write!(
                to,
                "option \"{name}\": there is no option \"{wanted}\" for '%({wanted})s', which is taken literally"
            ),
            Self::EndlessReference { name, .. } => write!(
                to,
                "option \"{name}\": its '%(…)s' leads in a circle or too far and is taken literally"
            ),
            Self::Repeated { name, before, .. } => write!(
                to,
                "option \"{name}\" was set before in line {before}; this later value counts"
            ),
            Self::RemarkCut { name, .. } => {
                write!(
                    to,
                    "option \"{name}\": the remark behind the value is left out"
                )
            }
            Self::ByteOrderMark { .. } => write!(to, "the file begins with a byte order mark"),
            Self::NotAnAssignment { .. } => {
                write!(to, "not of the form NAME=value; the line is left out")
            }
            Self::OpenQuote { name, .. } => {
                write!(to, "{name}: a quote is not closed; it is taken literally")
            }
        }
    }
}
