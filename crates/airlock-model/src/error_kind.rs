//! The kinds that every error of the domain maps to; faces turn a kind into a status or a fault code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, coarsely: enough for a face to choose a status and for a script to decide what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The thing named does not exist, or may not be seen by the caller.
    NotFound,
    /// The request does not fit the present state (exists already, has children, was held …).
    Conflict,
    /// The request itself is wrong: a bad label, an impossible date, options that exclude each other.
    Invalid,
    /// The caller is known but may not do this.
    Denied,
    /// Somebody else is doing it at this moment; trying again later can succeed.
    Busy,
    /// An upstream failed: unreachable, half-updated, wrong checksum, bad metadata.
    Upstream,
    /// Stored data is damaged or missing; `airlock fsck` says more.
    Corrupt,
    /// No space, no file handles, a limit was reached.
    Exhausted,
    /// The work was cancelled on request.
    Cancelled,
    /// A fault of the program or its surroundings; the log holds the request id.
    Internal,
}
