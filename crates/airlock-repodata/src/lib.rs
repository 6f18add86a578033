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
pub mod checksum;
pub mod compress;
pub mod comps;
pub mod cut;
mod document;
mod encoding;
pub mod error;
pub mod filelists;
pub mod frame;
pub mod identity;
mod kind;
mod limits;
pub mod location;
pub mod metalink;
pub mod mirrorlist;
pub mod modules;
pub mod other;
pub mod package;
pub mod primary;
pub mod productid;
pub mod repofile;
pub mod repomd;
mod scan;
mod text;
pub mod treeinfo;
pub mod updateinfo;

pub use checksum::Checksum;
pub use error::{Error, Flaw, Result};
pub use kind::MetadataKind;
pub use limits::Limits;
pub use text::push_attribute;
