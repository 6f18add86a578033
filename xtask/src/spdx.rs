//! SPDX licence expressions, as far as Cargo manifests use them.
//!
//! Grammar: `A OR B`, `A AND B`, `A WITH exception`, parentheses; AND binds tighter than OR. The old slash
//! (`MIT/Apache-2.0`) means OR. Source of truth: the SPDX specification, annex on licence expressions.

use std::fmt;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// One licence, with its exception if it has one (`Apache-2.0 WITH LLVM-exception`).
    Licence(String),
    /// All of them bind.
    All(Vec<Expression>),
    /// The user chooses one.
    Any(Vec<Expression>),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    text: String,
    token: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is no licence expression (word {})",
            self.text,
            self.token + 1
        )
    }
}

impl std::error::Error for Malformed {}

impl Expression {
    /// Parses a whole text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let spaced = text
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('/', " OR ");
        let tokens: Vec<&str> = spaced.split_whitespace().collect();
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
        };
        let expression = parser.any();
        match expression {
            Some(expression) if parser.at == tokens.len() => Ok(expression),
            _ => Err(Malformed {
                text: text.to_owned(),
                token: parser.at,
            }),
        }
    }

    /// Whether the expression can be met with licences that `allowed` says yes to.
    pub fn met_by(&self, allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Licence(name) => allowed(name),
            Self::All(parts) => parts.iter().all(|part| part.met_by(allowed)),
            Self::Any(parts) => parts.iter().any(|part| part.met_by(allowed)),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Option<Expression> {
        let mut parts = vec![self.all()?];
        while self.take("OR") {
            parts.push(self.all()?);
        }
        if parts.len() == 1 {
            parts.pop()
        } else {
            Some(Expression::Any(parts))
        }
    }

    fn all(&mut self) -> Option<Expression> {
        let mut parts = vec![self.one()?];
        while self.take("AND") {
            parts.push(self.one()?);
        }
        if parts.len() == 1 {
            parts.pop()
        } else {
            Some(Expression::All(parts))
        }
    }

    fn one(&mut self) -> Option<Expression> {
        if self.take("(") {
            let inner = self.any()?;
            return self.take(")").then_some(inner);
        }
        let name = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Some(Expression::Licence(format!("{name} WITH {exception}")));
        }
        Some(Expression::Licence(name))
    }

    fn name(&mut self) -> Option<String> {
        let word = self
            .peek()
            .filter(|word| !["(", ")", "OR", "AND", "WITH"].contains(word))?
            .to_owned();
        self.at += 1;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(text: &str, allowed: &[&str]) -> bool {
        Expression::parse(text)
            .unwrap()
            .met_by(&|name| allowed.contains(&name))
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert!(met("MIT OR Apache-2.0 OR LGPL-2.1-or-later", &["MIT"]));
        assert!(!met("LGPL-2.1-or-later OR GPL-2.0-only", &["MIT"]));
        assert!(met("MIT/Apache-2.0", &["Apache-2.0"]));
    }

    #[test]
    fn all_joined_licences_have_to_be_allowed() {
        assert!(met(
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            &["MIT", "Unicode-3.0"]
        ));
        assert!(!met("(MIT OR Apache-2.0) AND Unicode-3.0", &["MIT"]));
        assert!(!met("MIT AND LGPL-2.1-only OR GPL-3.0-only", &["MIT"]));
    }

    #[test]
    fn an_exception_is_part_of_the_name() {
        let expression = Expression::parse("Apache-2.0 WITH LLVM-exception OR MIT").unwrap();
        assert_eq!(
            expression,
            Expression::Any(vec![
                Expression::Licence("Apache-2.0 WITH LLVM-exception".to_owned()),
                Expression::Licence("MIT".to_owned())
            ])
        );
        assert!(!met("GPL-2.0 WITH Classpath-exception-2.0", &["GPL-2.0"]));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in [
            "",
            "MIT OR",
            "(MIT",
            "MIT Apache-2.0",
            "OR MIT",
            "MIT)",
            "MIT WITH",
            "()",
        ] {
            assert!(Expression::parse(text).is_err(), "{text:?}");
        }
    }
}
