//! Mirror lists: one URL a line.

/// Mirrors that are kept.
const MOST: usize = 50;

/// URLs of repositories in order, at most 50. Lines that are no `http`, `https` or `ftp` URL are
/// passed over, so that comments and error pages give nothing.
pub fn parse(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| is_fetchable(line));
    lines.take(MOST).map(str::to_owned).collect()
}

/// True when the bytes are a metalink and not a mirror list.
pub fn is_metalink(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    memchr::memmem::find(start, b"<metalink").is_some()
}

/// True for absolute URLs that mirrors are fetched from.
pub(crate) fn is_fetchable(url: &str) -> bool {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let known = ["http://", "https://", "ftp://"]
        .iter()
        .any(|scheme| lower.starts_with(scheme));
    known
        && url.len() <= 4096
        && !url.contains(|c: char| c.is_control() || c.is_whitespace() || "<>\"".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{is_metalink, parse};

    #[test]
    fn only_urls_are_taken() {
        let list = "# comment\nhttp://a/\n\n https://b/x \nfile:///etc\nftp://c/\n<html>\nhttp://a b/\nhttp://d/<p>\n";
        assert_eq!(
            parse(list.as_bytes()),
            ["http://a/", "https://b/x", "ftp://c/"]
        );
        assert_eq!(parse("http://a/\n".repeat(10_000).as_bytes()).len(), 50);
        assert!(parse(b"\xff\xfe\x00").is_empty());
        assert!(is_metalink(b"<?xml version='1.0'?><metalink xmlns=''>"));
        assert!(!is_metalink(b"http://a/"));
    }
}
