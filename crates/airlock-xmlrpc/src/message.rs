//! Calls and answers.

use std::fmt;

use crate::Value;

/// A call. `Debug` leaves the parameters' texts out.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method, such as `registration.virt_notify`.
    pub method: String,
    /// Its parameters in order.
    pub params: Vec<Value>,
}

impl Call {
    /// A call of `method`.
    pub fn new(method: impl Into<String>, params: impl IntoIterator<Item = Value>) -> Self {
        Self {
            method: method.into(),
            params: params.into_iter().collect(),
        }
    }
}

/// What a server says instead of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number.
    pub code: i64,
    /// What happened, in the server's words.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "fault {}: {}", self.code, self.text)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// The value of the call.
    Value(Value),
    /// It failed.
    Fault(Fault),
}
