//! The content-addressed blob store: a folder of files named by their SHA-256.
//!
//! A blob is visible only when it is whole, verified and durable: it is written to a temporary file, synced, renamed
//! to `blobs/ab/cdef…`, and the folder is synced before anybody is told. Existing blobs are never written again.

mod durable;
mod error;
mod store;
mod writer;

pub use error::{Error, Result};
pub use store::{BlobStore, ListedBlob, Space, Stored};
pub use writer::BlobWriter;
