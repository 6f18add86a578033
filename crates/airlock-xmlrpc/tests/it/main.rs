//! Tests of the XML-RPC reader and writer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod forms;
mod python;
mod replay;
