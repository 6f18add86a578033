//! RPM files: validated headers, versions, signatures and digests.
//!
//! Bytes in, values out. Nothing here talks to a network or knows a rule of the field, except
//! which OpenPGP signatures count as good: that is [`signature`]. Only [`db`] opens files: the
//! databases of installed packages, which are too large to be handed over as bytes.
//!
//! Every byte is treated as hostile. [`read_package`] checks lead, signature header and main
//! header completely before any accessor may look at them, and never allocates for a count that
//! the bytes do not back.

pub mod db;
pub mod digest;
pub mod error;
pub mod evr;
pub mod header;
pub mod lead;
pub mod nevra;
pub mod package;
pub mod read;
pub mod sha256;
pub mod signature;
pub mod tag;
pub mod text;
pub mod verify;

pub use error::{Error, Flaw, Result};
pub use evr::{Evr, EvrRef, rpmvercmp};
pub use header::{Header, HeaderRole};
pub use lead::Lead;
pub use nevra::Nevra;
pub use package::Package;
pub use read::{PackageHead, read_package};
pub use signature::{KeyRing, Policy, SigningKey, Verdict, verify_detached};
pub use verify::{Verification, Verifier, verify_head, verify_package};
