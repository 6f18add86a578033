//! XML-RPC calls and answers: bytes in, values out, and back.
//!
//! What is written looks byte for byte like the output of Python's `xmlrpc.client`, which Spacewalk's clients and virt-who use.
//! What is read may differ as servers in the field differ: values without a type, `i4`, `i8`, `ex:nil`, words for booleans,
//! ISO-8859-1. There is no document type and no entity beyond XML's own five; depth, size and number of values have limits; and
//! an error never holds text of the message, which may be a password.
//!
//! ```
//! use airlock_xmlrpc::{Call, Limits, Response, Value, parse_response, write_call};
//!
//! let call = Call::new("auth.login", [Value::from("admin"), Value::from("secret")]);
//! assert!(write_call(&call).starts_with(b"<?xml version='1.0'?>\n<methodCall>\n<methodName>auth.login</methodName>\n"));
//!
//! let answer = b"<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>";
//! assert_eq!(parse_response(answer, &Limits::default())?, Response::Value(Value::Int(1)));
//! # Ok::<(), airlock_xmlrpc::Error>(())
//! ```

mod encoding;
mod error;
mod limits;
mod message;
mod read;
mod scalar;
mod tokens;
mod value;
mod write;

pub use error::{Error, Result};
pub use limits::Limits;
pub use message::{Call, Fault, Response};
pub use read::{parse_call, parse_response, parse_value};
pub use value::Value;
pub use write::{write_call, write_fault, write_response, write_value};
