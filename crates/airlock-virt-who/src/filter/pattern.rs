//! One pattern: shell wildcards or a regular expression, as virt-who's Python read them.

use fancy_regex::Regex;

/// How patterns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterType {
    /// Shell patterns against the whole text, in any case.
    Wildcards,
    /// Regular expressions, in any case.
    Regex,
    /// No `filter_type`: as wildcards, and if that fails as a regular expression.
    #[default]
    Either,
}

impl FilterType {
    /// The word of `filter_type`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "wildcards" => Some(Self::Wildcards),
            "regex" => Some(Self::Regex),
            _ => None,
        }
    }
}

/// A pattern that is no regular expression; it never matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern \"{pattern}\" is no regular expression: {reason}")]
pub struct Broken {
    /// As written.
    pub pattern: String,
    /// What is wrong.
    pub reason: String,
}

/// One item of a filter list.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    forms: Vec<Regex>,
}

impl Pattern {
    /// Reads a pattern for host ids and names; what is broken is told, and the pattern stays, never matching.
    #[must_use]
    pub fn new(text: &str, kind: FilterType) -> (Self, Option<Broken>) {
        let mut forms = Vec::new();
        let mut broken = None;
        if kind != FilterType::Regex {
            forms.extend(wildcards(text));
        }
        if kind != FilterType::Wildcards {
            match expression(text) {
                Ok(regex) => forms.push(regex),
                // Without a filter_type most patterns are wildcards, and many of those are no expressions.
                Err(found) if kind == FilterType::Regex => broken = Some(found),
                Err(_) => {}
            }
        }
        (
            Self {
                text: text.to_owned(),
                forms,
            },
            broken,
        )
    }

    /// Reads a pattern for the ids of parents as virt-who did: `*` is `.*`, and the text is searched anywhere, in its case. So
    /// `domain-c7` also finds `domain-c70`, as it did in virt-who.
    #[must_use]
    pub fn anywhere(text: &str) -> (Self, Option<Broken>) {
        let read = compile(&python(&text.replace('*', ".*")), text);
        let (forms, broken) = match read {
            Ok(regex) => (vec![regex], None),
            Err(broken) => (Vec::new(), Some(broken)),
        };
        (
            Self {
                text: text.to_owned(),
                forms,
            },
            broken,
        )
    }

    /// As written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches. A pattern that takes too long (nested repetitions) does not.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.forms
            .iter()
            .any(|regex| regex.is_match(text).unwrap_or(false))
    }
}

/// `^` + pattern + `$`, matched at the start, in any case. No group is added: of `a|b` only the first has the start and
/// only the last the end, and both are tried at the start.
fn expression(text: &str) -> Result<Regex, Broken> {
    if text.starts_with(['*', '+', '?']) {
        return Err(Broken {
            pattern: text.to_owned(),
            reason: "it begins with a repetition of nothing".to_owned(),
        });
    }
    // The pattern must stand by itself first: "a)(b" would be valid inside the group.
    compile(&python(text), text)?;
    compile(
        &format!("(?i)\\A(?:{})", python(&format!("^{text}$"))),
        text,
    )
}

fn compile(translated: &str, text: &str) -> Result<Regex, Broken> {
    Regex::new(translated).map_err(|error| Broken {
        pattern: text.to_owned(),
        reason: error.to_string(),
    })
}

/// A Python expression in the dialect of the library: `$` also matches before a final newline, `\Z` is `\z`, a brace that
/// counts nothing is a brace, and `[`, `&&`, `--`, `~~` mean themselves inside a class.
fn python(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 16);
    let mut at = 0;
    let mut class = false;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        match letter {
            '\\' => {
                let next = letters.get(at).copied();
                at += 1;
                match next {
                    Some('Z') if !class => out.push_str("\\z"),
                    Some(next) => out.extend(['\\', next]),
                    None => out.push('\\'),
                }
            }
            '[' if class => out.push_str("\\["),
            '[' => {
                class = true;
                out.push('[');
                if letters.get(at) == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                // A bracket that comes first is a member.
                if letters.get(at) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => out.extend(['\\', letter]),
            '-' if class && letters.get(at) == Some(&'-') => out.push_str("\\-"),
            '$' if !class => out.push_str("(?=\\n?\\z)"),
            '{' if !class && !counts(letters.get(at..).unwrap_or_default()) => out.push_str("\\{"),
            _ => out.push(letter),
        }
    }
    out
}

/// Whether what follows a brace is a count: `3}`, `3,}`, `,5}`, `3,5}`.
fn counts(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|letter| *letter == '}') else {
        return false;
    };
    let inner = rest.get(..end).unwrap_or_default();
    !inner.is_empty()
        && inner
            .iter()
            .all(|letter| letter.is_ascii_digit() || *letter == ',')
        && inner.iter().filter(|letter| **letter == ',').count() <= 1
        && inner.iter().any(char::is_ascii_digit)
}

/// A shell pattern against the whole text: `*`, `?`, `[a-z]`, `[!a-z]`. Both sides are lower-cased. A range that is none
/// (`[z-a]`) never matches.
fn wildcards(text: &str) -> Option<Regex> {
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    let mut out = String::from("(?si)\\A");
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        match letter {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class(letters.get(at..).unwrap_or_default()) {
                Some((class, length)) => {
                    out.push_str(&class);
                    at += length;
                }
                None => out.push_str("\\["),
            },
            _ => out.push_str(&fancy_regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str("\\z");
    Regex::new(&out).ok()
}

/// The class that begins after a bracket, and how many letters of the pattern it takes.
fn class(rest: &[char]) -> Option<(String, usize)> {
    let negated = rest.first() == Some(&'!');
    let first = usize::from(negated);
    // A bracket that comes first is a member.
    let from = first + usize::from(rest.get(first) == Some(&']'));
    let end = from + rest.get(from..)?.iter().position(|letter| *letter == ']')?;
    let mut out = String::from(if negated { "[^" } else { "[" });
    for letter in rest.get(first..end)? {
        if !letter.is_alphanumeric() && *letter != '-' {
            out.push('\\');
        }
        out.push(*letter);
    }
    out.push(']');
    Some((out, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern, FilterType::Regex).0.matches(text)
    }

    #[test]
    fn what_python_knows_works() {
        assert!(regex("(?!test).*", "prod1"));
        assert!(!regex("(?!test).*", "Test1"));
        assert!(regex(r"(a)\1", "aa"));
        assert!(regex("a{b", "a{b"));
        assert!(regex("a{2}", "aa"));
        assert!(regex("[[a]x", "[x"));
        assert!(regex("esx", "esx\n"));
        assert!(!regex("esx", "esx\n\n"));
    }

    #[test]
    fn a_broken_expression_is_told_and_never_matches() {
        let (pattern, broken) = Pattern::new("(", FilterType::Regex);
        assert!(broken.unwrap().to_string().contains("\"(\""));
        assert!(!pattern.matches("("));
        assert!(Pattern::new("a)(b", FilterType::Regex).1.is_some());
        assert!(Pattern::new("*", FilterType::Either).1.is_none());
    }

    #[test]
    fn parents_are_searched_anywhere() {
        let matches = |pattern: &str, text: &str| Pattern::anywhere(pattern).0.matches(text);
        assert!(matches("domain-c7", "domain-c70"));
        assert!(matches("domain-s*", "domain-s20"));
        assert!(!matches("domain-s*", "domain-c7"));
        assert!(!matches("Domain", "domain-c7"));
    }

    #[test]
    fn nested_repetitions_end() {
        assert!(!regex("(?=(a+)+b)(a+)+c", &"a".repeat(60)));
    }
}
