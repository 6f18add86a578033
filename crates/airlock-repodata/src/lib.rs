//! RPM repository metadata: read it, cut it into fragments, write it.
//!
//! Bytes in, values out. No network, no database, no policy of the field. Everything read here is
//! treated as hostile: document types are refused, depth, attributes, texts and opened sizes are
//! limited ([`Limits`]), and what is wrong is said with file and line ([`Error`]).
//!
//! The parts a mirror needs most: [`compress`] opens a metadata file by its magic, [`cut`] takes
//! the `<package>` elements out of it as canonical fragments, [`primary`] reads what a fragment
//! says, [`frame`] gives the bytes around fragments, so that writing metadata is concatenation.

mod canonical;
pub mod compress;
pub mod cut;
mod encoding;
pub mod error;
pub mod frame;
mod kind;
mod limits;
pub mod location;
pub mod primary;
mod scan;
mod text;

pub use error::{Error, Flaw, Result};
pub use kind::MetadataKind;
pub use limits::Limits;
