//! Patterns of `--excludes`: `*` is any text, slashes too, `?` one character, as createrepo_c (GLib) reads them.

/// True when the whole text fits the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut position) = (0, 0);
    // Behind the last star, and how far it reached: only the last one ever has to give way.
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, position));
            }
            Some(wanted) if *wanted == '?' || *wanted == text[position] => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((behind, reached)) = star else {
                    return false;
                };
                star = Some((behind, reached + 1));
                at = behind;
                position = reached + 1;
            }
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("sub/*", "sub/x/y.rpm"),
            ("*-debug*", "x/a-debuginfo-1.rpm"),
            ("a?c", "aéc"),
            ("*a*b", "aab"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a?", "a"), ("libp*", "sub/libp"), ("", "x")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
