//! URLs as they may be shown: in errors, logs and reports.

use std::fmt;

use url::Url;

/// A URL without user, password and query, for messages.
///
/// A query may hold an access token, so its values never leave this crate: `?…` stands for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ShownUrl(String);

impl ShownUrl {
    /// Takes what may be shown of `url`.
    #[must_use]
    pub fn new(url: &Url) -> Self {
        let mut clean = url.clone();
        let queried = clean.query().is_some();
        clean.set_query(None);
        clean.set_fragment(None);
        // Both fail only for URLs that cannot have a host (`data:` and the like): those have no user either.
        let _ = clean.set_username("");
        let _ = clean.set_password(None);
        let mut text = String::from(clean);
        if queried {
            text.push_str("?…");
        }
        Self(text)
    }

    /// A local file, as people write it.
    pub(crate) fn of_file(path: &std::path::Path) -> Self {
        Self(format!("file://{}", path.display()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Url> for ShownUrl {
    fn from(url: &Url) -> Self {
        Self::new(url)
    }
}

impl fmt::Display for ShownUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for ShownUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        let url = Url::parse("https://anna:geheim@example.org:8443/a%20b/repomd.xml?token=abc#x")
            .unwrap();
        assert_eq!(
            ShownUrl::new(&url).as_str(),
            "https://example.org:8443/a%20b/repomd.xml?…"
        );
        let plain = Url::parse("file:///srv/repo/").unwrap();
        assert_eq!(ShownUrl::new(&plain).as_str(), "file:///srv/repo/");
    }
}
