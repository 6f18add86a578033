//! Rich dependencies: `(a or b >= 1)`, nested.
//!
//! The grammar is rpm's (`rpm-dependencies(7)`, "Boolean dependencies"): one operator a level,
//! `and`, `or` and `with` may be repeated, `if` and `unless` may have an `else`. Depth and length
//! are limited, because the text comes from strangers.

use crate::dependency::{Dependencies, DependencyId, EvrParts, Expression, Sense};
use crate::error::{Error, MAX_DEPTH, MAX_PARTS, RichFault};
use crate::intern::{StringId, Strings};

/// Why a rich dependency was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The text is wrong.
    Fault(RichFault),
    /// The pool is full.
    Full(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Full(error)
    }
}

impl From<RichFault> for Refused {
    fn from(fault: RichFault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads the expression that is the whole text.
pub(crate) fn parse(
    text: &str,
    strings: &mut Strings,
    dependencies: &mut Dependencies,
) -> Result<DependencyId, Refused> {
    let mut parser = Parser {
        rest: text.trim_matches(is_space),
        parts: 0,
        strings,
        dependencies,
    };
    let id = parser.expression(0)?;
    match parser.rest.is_empty() {
        true => Ok(id),
        false => Err(RichFault::Trailing.into()),
    }
}

/// White space as rpm knows it, whatever the locale.
pub(crate) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

/// What stands between the words of an expression: rpm passes over commas as over white space.
fn separates(character: char) -> bool {
    is_space(character) || character == ','
}

/// Takes a version apart as rpm does: the epoch is what stands before the first `:` and is a
/// number, the release stands behind the last `-`.
pub(crate) fn intern_evr(text: &str, strings: &mut Strings) -> Result<EvrParts, Error> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (epoch.parse().unwrap_or(0), rest)
        }
        _ => (0, text),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    Ok(EvrParts {
        epoch,
        version: strings.intern(version)?,
        release: strings.intern(release)?,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    With,
    Without,
    If,
    Unless,
    Else,
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "and" => Self::And,
            "or" => Self::Or,
            "with" => Self::With,
            "without" => Self::Without,
            "if" => Self::If,
            "unless" => Self::Unless,
            "else" => Self::Else,
            _ => return None,
        })
    }

    fn may_follow(self, before: Self) -> bool {
        match self {
            Self::And | Self::Or | Self::With => self == before,
            Self::Else => matches!(before, Self::If | Self::Unless),
            Self::Without | Self::If | Self::Unless => false,
        }
    }
}

struct Parser<'t, 'p> {
    rest: &'t str,
    parts: usize,
    strings: &'p mut Strings,
    dependencies: &'p mut Dependencies,
}

impl<'t> Parser<'t, '_> {
    /// `(operand [operator operand]…)`.
    fn expression(&mut self, depth: usize) -> Result<DependencyId, Refused> {
        if depth >= MAX_DEPTH {
            return Err(RichFault::TooDeep.into());
        }
        self.rest = self
            .rest
            .strip_prefix('(')
            .ok_or(RichFault::MissingName)?
            .trim_start_matches(separates);
        let mut left = self.operand(depth)?;
        let mut before: Option<(Operator, DependencyId)> = None;
        loop {
            if let Some(rest) = self.rest.strip_prefix(')') {
                self.rest = rest.trim_start_matches(separates);
                return match before {
                    // `a if b`, without a third part.
                    Some((Operator::If, condition)) => self.intern(Expression::If(left, condition)),
                    Some((Operator::Unless, condition)) => {
                        self.intern(Expression::Unless(left, condition))
                    }
                    _ => Ok(left),
                };
            }
            let word = self.word()?;
            let operator = Operator::parse(word).ok_or(RichFault::UnknownOperator)?;
            match before {
                None if operator == Operator::Else => return Err(RichFault::Mixed.into()),
                Some((before, _)) if !operator.may_follow(before) => {
                    return Err(RichFault::Mixed.into());
                }
                _ => {}
            }
            let right = self.operand(depth)?;
            match operator {
                Operator::And => left = self.intern(Expression::And(left, right))?,
                Operator::Or => left = self.intern(Expression::Or(left, right))?,
                Operator::With | Operator::Without => {
                    if !self.is_capability(left) || !self.is_capability(right) {
                        return Err(RichFault::NoCapability.into());
                    }
                    left = self.intern(match operator {
                        Operator::With => Expression::With(left, right),
                        _ => Expression::Without(left, right),
                    })?;
                }
                Operator::If | Operator::Unless => {}
                Operator::Else => {
                    let Some((first, condition)) = before else {
                        return Err(RichFault::Mixed.into());
                    };
                    let branches = self.intern(Expression::Else(condition, right))?;
                    left = self.intern(match first {
                        Operator::If => Expression::IfElse(left, branches),
                        _ => Expression::UnlessElse(left, branches),
                    })?;
                }
            }
            before = Some((operator, right));
        }
    }

    fn intern(&mut self, expression: Expression) -> Result<DependencyId, Refused> {
        Ok(self.dependencies.intern(expression)?)
    }

    fn is_capability(&self, id: DependencyId) -> bool {
        match self.dependencies.expression(id) {
            Expression::Name(_)
            | Expression::Version(..)
            | Expression::With(..)
            | Expression::Without(..) => true,
            Expression::Or(one, two) => self.is_capability(one) && self.is_capability(two),
            _ => false,
        }
    }

    /// A capability with or without a version, or an expression in parentheses.
    fn operand(&mut self, depth: usize) -> Result<DependencyId, Refused> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(RichFault::TooLong.into());
        }
        if self.rest.starts_with('(') {
            return self.expression(depth + 1);
        }
        let name = self.word()?;
        if name.is_empty() {
            return Err(RichFault::MissingName.into());
        }
        let name = self.strings.intern(name)?;
        let sign = self
            .rest
            .find(|character| !matches!(character, '<' | '=' | '>'))
            .unwrap_or(self.rest.len());
        if sign == 0 {
            return self.intern(Expression::Name(name));
        }
        let (sign, rest) = self.rest.split_at(sign);
        let sense = Sense::parse(sign).ok_or(RichFault::UnknownOperator)?;
        self.rest = rest.trim_start_matches(separates);
        let version = self.word()?;
        if version.is_empty() {
            return Err(RichFault::MissingVersion.into());
        }
        let evr = intern_evr(version, self.strings)?;
        if evr.version == StringId::EMPTY {
            return Err(RichFault::MissingVersion.into());
        }
        let evr = self.dependencies.intern_evr(evr)?;
        self.intern(Expression::Version(name, sense, evr))
    }

    /// Text up to white space, a comma, or a parenthesis that was not opened in it.
    fn word(&mut self) -> Result<&'t str, Refused> {
        let mut open = 0_usize;
        let end = self.rest.find(|character| match character {
            '(' => {
                open += 1;
                false
            }
            ')' if open == 0 => true,
            ')' => {
                open -= 1;
                false
            }
            character => separates(character),
        });
        let (word, rest) = self.rest.split_at(end.ok_or(RichFault::Truncated)?);
        self.rest = rest.trim_start_matches(separates);
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, parse};
    use crate::dependency::{Dependencies, display};
    use crate::error::RichFault;
    use crate::intern::Strings;

    fn read(text: &str) -> Result<String, RichFault> {
        let (mut strings, mut dependencies) = (Strings::new(), Dependencies::default());
        match parse(text, &mut strings, &mut dependencies) {
            Ok(id) => {
                let mut out = String::new();
                display(&strings, &dependencies, id, &mut out);
                Ok(out)
            }
            Err(Refused::Fault(fault)) => Err(fault),
            Err(Refused::Full(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn expressions_come_back_as_they_were() {
        for text in [
            "(a or b)",
            "(a and b and c)",
            "(a >= 1:2-3 or b < 4)",
            "(a if b)",
            "(a if b else c)",
            "(a unless b)",
            "(a unless (b or c) else d)",
            "(a with b with c)",
            "(a without b)",
            "((a or b) with c)",
            "((a if b) and (c if d))",
            "(python3dist(x[y]) >= 1 with /usr/bin/z)",
            "(lib.so.1()(64bit) if kernel(x) = 0x1)",
        ] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read(" ( a  or b>=1 ) ").as_deref(), Ok("(a or b>=1)"));
        assert_eq!(read("(a)").as_deref(), Ok("a"));
    }

    #[test]
    fn faults_are_told_apart() {
        for (text, fault) in [
            ("(", RichFault::Truncated),
            ("()", RichFault::MissingName),
            ("(a or", RichFault::Truncated),
            ("(a or b", RichFault::Truncated),
            ("(a or )", RichFault::MissingName),
            ("(a or b) c", RichFault::Trailing),
            ("(a b)", RichFault::UnknownOperator),
            ("(a >= )", RichFault::MissingVersion),
            ("(a >= -1)", RichFault::MissingVersion),
            ("(a >=< 1)", RichFault::UnknownOperator),
            ("(a or b and c)", RichFault::Mixed),
            ("(a else b)", RichFault::Mixed),
            ("(a if b if c)", RichFault::Mixed),
            ("(a if b else c else d)", RichFault::Mixed),
            ("(a without b without c)", RichFault::Mixed),
            ("((a and b) with c)", RichFault::NoCapability),
        ] {
            assert_eq!(read(text), Err(fault), "{text}");
        }
        let deep = format!("{}a{}", "(".repeat(33), ")".repeat(33));
        assert_eq!(read(&deep), Err(RichFault::TooDeep));
        assert!(read(&deep[1..deep.len() - 1]).is_ok());
        let long = format!("(a{})", " or a".repeat(512));
        assert_eq!(read(&long), Err(RichFault::TooLong));
    }
}
