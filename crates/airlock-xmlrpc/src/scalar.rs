//! Texts of scalars to values.

use base64::Engine;

use crate::Value;

/// The type that an element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Int,
    Bool,
    String,
    Double,
    DateTime,
    Base64,
    Nil,
}

impl Scalar {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "int" | "i4" | "i8" | "i1" | "i2" | "biginteger" => Self::Int,
            "boolean" => Self::Bool,
            "string" => Self::String,
            "double" | "float" => Self::Double,
            "dateTime.iso8601" | "dateTime" => Self::DateTime,
            "base64" => Self::Base64,
            "nil" => Self::Nil,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bool => "boolean",
            Self::String => "string",
            Self::Double => "double",
            Self::DateTime => "dateTime.iso8601",
            Self::Base64 => "base64",
            Self::Nil => "nil",
        }
    }

    /// The value; `None` if the text does not fit the type.
    pub(crate) fn value(self, text: String) -> Option<Value> {
        Some(match self {
            Self::String => Value::String(text),
            Self::Int => Value::Int(text.trim().parse().ok()?),
            Self::Bool => Value::Bool(match text.trim() {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return None,
            }),
            Self::Double => {
                let number: f64 = text.trim().parse().ok()?;
                Value::Double(Some(number).filter(|number| number.is_finite())?)
            }
            Self::DateTime => Value::DateTime(text.trim().to_owned()),
            Self::Base64 => Value::Base64(decoded(&text)?),
            Self::Nil => Value::Nil,
        })
    }
}

/// Base64 with line breaks and other characters in between, which are skipped as Python does it.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    engine.decode(digits).ok()
}
