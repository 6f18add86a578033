//! Boolean dependencies such as `(a >= 1 or b)`.

use airlock_rpm::package::{Dependency, flag};

/// Nested deeper, a dependency exists only to hurt. Headers with such are refused before.
const DEEPEST: usize = 64;

/// A boolean dependency.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rich<'d> {
    One(Dependency<'d>),
    And(Vec<Rich<'d>>),
    Or(Vec<Rich<'d>>),
    If {
        then: Box<Rich<'d>>,
        when: Box<Rich<'d>>,
        otherwise: Option<Box<Rich<'d>>>,
    },
    Unless {
        then: Box<Rich<'d>>,
        when: Box<Rich<'d>>,
        otherwise: Option<Box<Rich<'d>>>,
    },
    With(Vec<Rich<'d>>),
    Without(Box<Rich<'d>>, Box<Rich<'d>>),
}

impl<'d> Rich<'d> {
    /// All names in it, each with whether its being there helps (`true`) or, behind `if` and `unless`, may harm.
    pub(super) fn names(&self, helps: bool, names: &mut Vec<(&'d [u8], bool)>) {
        match self {
            Self::One(one) => names.push((one.name, helps)),
            Self::And(all) | Self::Or(all) | Self::With(all) => {
                all.iter().for_each(|one| one.names(helps, names));
            }
            Self::Without(one, other) => {
                one.names(helps, names);
                other.names(helps, names);
            }
            Self::If {
                then,
                when,
                otherwise,
            }
            | Self::Unless {
                then,
                when,
                otherwise,
            } => {
                then.names(helps, names);
                when.names(!helps, names);
                if let Some(otherwise) = otherwise {
                    otherwise.names(helps, names);
                }
            }
        }
    }
}

/// Reads one. `None` when it is not well-formed.
pub(super) fn parse(text: &[u8]) -> Option<Rich<'_>> {
    let mut reader = Reader { rest: text };
    let expression = reader.expression(0)?;
    reader.blanks();
    reader.rest.is_empty().then_some(expression)
}

struct Reader<'d> {
    rest: &'d [u8],
}

impl<'d> Reader<'d> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn expression(&mut self, depth: usize) -> Option<Rich<'d>> {
        self.blanks();
        if depth > DEEPEST {
            return None;
        }
        if self.rest.first() != Some(&b'(') {
            return self.capability().map(Rich::One);
        }
        self.rest = &self.rest[1..];
        let first = self.expression(depth + 1)?;
        let Some(operator) = self.operator()? else {
            return Some(first);
        };
        let second = self.expression(depth + 1)?;
        let mut more = Vec::new();
        let mut otherwise = None;
        while let Some(next) = self.operator()? {
            let operand = self.expression(depth + 1)?;
            match (operator, next) {
                (b"if" | b"unless", b"else") if otherwise.is_none() => {
                    otherwise = Some(Box::new(operand));
                }
                // One kind of operator within one pair of parentheses.
                (b"and" | b"or" | b"with", same) if same == operator => more.push(operand),
                _ => return None,
            }
        }
        let list = |first, second, more: Vec<Rich<'d>>| {
            let mut list = vec![first, second];
            list.extend(more);
            list
        };
        Some(match operator {
            b"and" => Rich::And(list(first, second, more)),
            b"or" => Rich::Or(list(first, second, more)),
            b"with" => Rich::With(list(first, second, more)),
            b"without" => Rich::Without(Box::new(first), Box::new(second)),
            b"if" => Rich::If {
                then: Box::new(first),
                when: Box::new(second),
                otherwise,
            },
            b"unless" => Rich::Unless {
                then: Box::new(first),
                when: Box::new(second),
                otherwise,
            },
            _ => return None,
        })
    }

    /// The next operator, or nothing at the closing parenthesis.
    #[allow(clippy::option_option)] // Broken, closed, operator.
    fn operator(&mut self) -> Option<Option<&'d [u8]>> {
        self.blanks();
        if let Some(rest) = self.rest.strip_prefix(b")") {
            self.rest = rest;
            return Some(None);
        }
        let end = self.rest.iter().position(u8::is_ascii_whitespace)?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Some(word))
    }

    /// A word; parentheses inside belong to it as long as they are closed in it.
    fn word(&mut self) -> Option<&'d [u8]> {
        self.blanks();
        let mut open = 0_u32;
        let end = self
            .rest
            .iter()
            .position(|byte| match byte {
                b'(' => {
                    open += 1;
                    false
                }
                b')' if open == 0 => true,
                b')' => {
                    open -= 1;
                    false
                }
                byte => byte.is_ascii_whitespace(),
            })
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn capability(&mut self) -> Option<Dependency<'d>> {
        let name = self.word()?;
        self.blanks();
        let sign = self
            .rest
            .iter()
            .take_while(|byte| matches!(byte, b'<' | b'=' | b'>'))
            .count();
        let (sign, rest) = self.rest.split_at(sign);
        let mut flags = 0;
        for byte in sign {
            flags |= match byte {
                b'<' => flag::LESS,
                b'>' => flag::GREATER,
                _ => flag::EQUAL,
            };
        }
        let mut evr: &[u8] = b"";
        if !sign.is_empty() {
            self.rest = rest;
            evr = self.word()?;
        }
        Some(Dependency { name, evr, flags })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_taken_apart() {
        let Some(Rich::Or(parts)) = parse(b"(lib.so.1()(64bit) or b >= 1:2-3 or (c and d))") else {
            panic!("no or");
        };
        assert_eq!(parts.len(), 3);
        let Rich::One(one) = &parts[0] else { panic!() };
        assert_eq!(one.name, b"lib.so.1()(64bit)");
        let Rich::One(two) = &parts[1] else { panic!() };
        assert_eq!((two.name, two.evr), (&b"b"[..], &b"1:2-3"[..]));
        assert!(matches!(
            parse(b"(a if b else c)").unwrap(),
            Rich::If {
                otherwise: Some(_),
                ..
            }
        ));
        assert!(matches!(parse(b"(a without b)"), Some(Rich::Without(..))));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "(a or",
            "(a or b and c)",
            "(a b)",
            "(a or )",
            "a)",
            "(a >= )",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(&[b'('; 500]), None);
    }
}
