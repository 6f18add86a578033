//! Values.

use std::fmt;

/// One value. Structs keep the order of their members. `Debug` shows types and lengths only: any text may be a password.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `int`, `i4`, `i8` and their like. Written as `int`.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `string`, or a value without a type.
    String(String),
    /// `double`.
    Double(f64),
    /// `dateTime.iso8601`, as written: there are too many forms to choose one.
    DateTime(String),
    /// `base64`.
    Base64(Vec<u8>),
    /// `array`.
    Array(Vec<Value>),
    /// `struct`; of two members with one name the last one counts.
    Struct(Vec<(String, Value)>),
    /// `nil`. Old Spacewalk clients do not bear it.
    Nil,
}

impl Value {
    /// A struct with these members.
    pub fn members<N: Into<String>>(members: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::Struct(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// The member of that name, of a struct.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(members) => members
                .iter()
                .rev()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an int.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The name of its type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Bool(_) => "boolean",
            Self::String(_) => "string",
            Self::Double(_) => "double",
            Self::DateTime(_) => "dateTime.iso8601",
            Self::Base64(_) => "base64",
            Self::Array(_) => "array",
            Self::Struct(_) => "struct",
            Self::Nil => "nil",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(to, "{number}"),
            Self::Bool(truth) => write!(to, "{truth}"),
            Self::Double(number) => write!(to, "{number}"),
            Self::String(text) | Self::DateTime(text) => {
                write!(to, "{}({} bytes)", self.kind(), text.len())
            }
            Self::Base64(bytes) => write!(to, "base64({} bytes)", bytes.len()),
            Self::Array(items) => to.debug_list().entries(items).finish(),
            Self::Struct(members) => to
                .debug_map()
                .entries(members.iter().map(|(name, value)| (name, value)))
                .finish(),
            Self::Nil => to.write_str("nil"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}
