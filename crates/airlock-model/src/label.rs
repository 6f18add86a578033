//! Channel labels: the name of a channel in URLs, commands and old clients.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A channel's label: `^[a-z\d][a-z\d\-._]*$`, 6 to 128 characters, not ending in `.repo`
/// (that name is the ready repository file), no `@` (that begins a version or an instant).
/// Unique in the server. The rule is Spacewalk's (reference `admin-api.md`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "el9-base")]
pub struct ChannelLabel(String);

/// Why a text is no channel label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Shorter than 6 or longer than 128 characters.
    #[error("channel label \"{0}\" has {1} characters; 6 to 128 are allowed")]
    Length(String, usize),
    /// A character outside the allowed set, or a first character that is neither letter nor digit.
    #[error(
        "channel label \"{0}\": only a-z, 0-9, '-', '.' and '_' are allowed, and the first must be a letter or digit"
    )]
    Character(String),
    /// Ends in `.repo`.
    #[error("channel label \"{0}\" ends in .repo, which names the channel's repository file")]
    RepoSuffix(String),
}

impl ChannelLabel {
    /// Checks and takes a label.
    ///
    /// # Errors
    /// [`LabelError`] says which rule is broken.
    pub fn new(text: impl Into<String>) -> Result<Self, LabelError> {
        let text = text.into();
        let first_ok = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest_ok = text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_')
        });
        if !text.is_empty() && (!first_ok || !rest_ok) {
            return Err(LabelError::Character(text));
        }
        if text.len() < 6 || text.len() > 128 {
            let length = text.len();
            return Err(LabelError::Length(text, length));
        }
        if text.ends_with(".repo") {
            return Err(LabelError::RepoSuffix(text));
        }
        Ok(Self(text))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ChannelLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ChannelLabel {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for ChannelLabel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_the_old_rule() {
        for good in ["el9-base", "0abcde", "a.b_c-d", &"x".repeat(128)] {
            assert!(ChannelLabel::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "short",
            &"x".repeat(129),
            "EL9-base",
            "-el9base",
            "el9@base",
            "el9 base",
            "el9-base.repo",
            "el9/base",
            "él9-base",
        ] {
            assert!(ChannelLabel::new(bad).is_err(), "{bad}");
        }
    }
}
