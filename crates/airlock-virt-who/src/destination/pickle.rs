//! The subset of Python's pickle format that old system id files use: dictionaries, lists, texts, numbers. Reference: virt-who,
//! section 7.1; Python's `pickletools` lists the opcodes.
//!
//! Nothing is ever called, imported or built: an opcode that could do that is an error.

use std::collections::HashMap;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Pickled {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// A list or tuple.
    List(Vec<Pickled>),
    /// A dictionary, in the order it was filled.
    Dict(Vec<(Pickled, Pickled)>),
}

impl Pickled {
    /// The value under a text key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Pickled> {
        match self {
            Self::Dict(pairs) => pairs
                .iter()
                .rev()
                .find(|(found, _)| matches!(found, Self::Text(text) if text == key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why bytes are no such pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {why}")]
pub struct PickleError {
    /// Where.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// The largest pickle that is read.
const BYTES: usize = 1 << 20;

/// The most values, copies out of the memo included.
const VALUES: usize = 100_000;

enum Item {
    Mark,
    Value(Pickled),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Item>,
    memo: HashMap<u32, Pickled>,
    left: usize,
}

/// Reads a pickle of protocol 0 to 5.
///
/// # Errors
/// Anything outside the subset.
pub fn read(bytes: &[u8]) -> Result<Pickled, PickleError> {
    if bytes.len() > BYTES {
        return Err(PickleError {
            at: BYTES,
            why: "too long",
        });
    }
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        memo: HashMap::new(),
        left: VALUES,
    };
    loop {
        if let Some(value) = machine.step()? {
            return Ok(value);
        }
    }
}

impl Machine<'_> {
    fn fault(&self, why: &'static str) -> PickleError {
        PickleError { at: self.at, why }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], PickleError> {
        let end = self.at.checked_add(count);
        let found = end.and_then(|end| self.bytes.get(self.at..end));
        match found {
            Some(found) => {
                self.at += count;
                Ok(found)
            }
            None => Err(self.fault("it ends too early")),
        }
    }

    fn number(&mut self, count: usize) -> Result<u64, PickleError> {
        let bytes = self.take(count)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    fn length(&mut self, count: usize) -> Result<usize, PickleError> {
        let length = self.number(count)?;
        usize::try_from(length).map_err(|_| self.fault("a length that cannot be"))
    }

    fn line(&mut self) -> Result<&str, PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(self.fault("a line does not end"))?;
        let from = self.at;
        self.at += end + 1;
        std::str::from_utf8(self.bytes.get(from..from + end).unwrap_or_default()).map_err(|_| {
            PickleError {
                at: from,
                why: "a line that is no text",
            }
        })
    }

    fn text(&mut self, length: usize) -> Result<Pickled, PickleError> {
        let from = self.at;
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Pickled::Text(text.to_owned())),
            Err(_) => Err(PickleError {
                at: from,
                why: "a text that is not UTF-8",
            }),
        }
    }

    fn push(&mut self, value: Pickled) -> Result<(), PickleError> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(self.fault("too many values"))?;
        self.stack.push(Item::Value(value));
        Ok(())
    }

    fn pop(&mut self) -> Result<Pickled, PickleError> {
        match self.stack.pop() {
            Some(Item::Value(value)) => Ok(value),
            _ => Err(self.fault("a value is missing")),
        }
    }

    /// The values above the last mark.
    fn marked(&mut self) -> Result<Vec<Pickled>, PickleError> {
        let mut values = Vec::new();
        loop {
            match self.stack.pop() {
                Some(Item::Value(value)) => values.push(value),
                Some(Item::Mark) => {
                    values.reverse();
                    return Ok(values);
                }
                None => return Err(self.fault("a mark is missing")),
            }
        }
    }

    fn remember(&mut self, at: u64) -> Result<(), PickleError> {
        let at = u32::try_from(at).map_err(|_| self.fault("a memo that cannot be"))?;
        let Some(Item::Value(value)) = self.stack.last() else {
            return Err(self.fault("a value is missing"));
        };
        // Only texts are ever taken back in these files; containers are filled after they are remembered.
        if let Pickled::Text(_) | Pickled::Int(_) = value {
            self.memo.insert(at, value.clone());
        } else {
            self.memo.insert(at, Pickled::None);
        }
        Ok(())
    }

    fn recall(&mut self, at: u64) -> Result<(), PickleError> {
        let found = u32::try_from(at)
            .ok()
            .and_then(|at| self.memo.get(&at).cloned());
        match found {
            Some(value @ (Pickled::Text(_) | Pickled::Int(_))) => self.push(value),
            _ => Err(self.fault("a reference to a container or to nothing")),
        }
    }

    fn fill_dict(&mut self, values: Vec<Pickled>) -> Result<(), PickleError> {
        if !values.len().is_multiple_of(2) {
            return Err(self.fault("a key without a value"));
        }
        let why = self.fault("no dictionary to fill");
        let Some(Item::Value(Pickled::Dict(pairs))) = self.stack.last_mut() else {
            return Err(why);
        };
        let mut values = values.into_iter();
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            pairs.push((key, value));
        }
        Ok(())
    }

    fn fill_list(&mut self, values: Vec<Pickled>) -> Result<(), PickleError> {
        let why = self.fault("no list to fill");
        let Some(Item::Value(Pickled::List(items))) = self.stack.last_mut() else {
            return Err(why);
        };
        items.extend(values);
        Ok(())
    }

    /// One opcode; the value at the end.
    #[allow(clippy::too_many_lines)] // One table of opcodes.
    fn step(&mut self) -> Result<Option<Pickled>, PickleError> {
        let opcode = self.number(1)?;
        match u8::try_from(opcode).unwrap_or(0) {
            // PROTO, FRAME, MEMOIZE.
            0x80 => {
                if self.number(1)? > 5 {
                    return Err(self.fault("a newer protocol"));
                }
            }
            0x95 => {
                self.number(8)?;
            }
            0x94 => {
                let next = self.memo.len() as u64;
                self.remember(next)?;
            }
            b'.' => return self.pop().map(Some),
            b'(' => self.stack.push(Item::Mark),
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.marked()?;
            }
            b'N' => self.push(Pickled::None)?,
            0x88 => self.push(Pickled::Bool(true))?,
            0x89 => self.push(Pickled::Bool(false))?,
            b'}' => self.push(Pickled::Dict(Vec::new()))?,
            b']' | b')' => self.push(Pickled::List(Vec::new()))?,
            b'd' => {
                let values = self.marked()?;
                self.push(Pickled::Dict(Vec::new()))?;
                self.fill_dict(values)?;
            }
            b'l' | b't' => {
                let values = self.marked()?;
                self.push(Pickled::List(values))?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.fill_dict(vec![key, value])?;
            }
            b'u' => {
                let values = self.marked()?;
                self.fill_dict(values)?;
            }
            b'a' => {
                let value = self.pop()?;
                self.fill_list(vec![value])?;
            }
            b'e' => {
                let values = self.marked()?;
                self.fill_list(values)?;
            }
            b'K' => {
                let number = self.number(1)?;
                self.push(Pickled::Int(i64::try_from(number).unwrap_or(0)))?;
            }
            b'M' => {
                let number = self.number(2)?;
                self.push(Pickled::Int(i64::try_from(number).unwrap_or(0)))?;
            }
            b'J' => {
                let number = self.number(4)?;
                let number = u32::try_from(number).unwrap_or(0).cast_signed();
                self.push(Pickled::Int(i64::from(number)))?;
            }
            0x8a => {
                let length = self.length(1)?;
                if length > 8 {
                    return Err(self.fault("a number that is too large"));
                }
                let number = self.number(length)?;
                let shift = 64 - 8 * u32::try_from(length).unwrap_or(8);
                let number = if length == 0 {
                    0
                } else {
                    (number << shift).cast_signed() >> shift
                };
                self.push(Pickled::Int(number))?;
            }
            b'I' | b'L' => {
                let line = self.line()?.trim_end_matches('L').to_owned();
                let value = match line.as_str() {
                    "00" => Pickled::Bool(false),
                    "01" => Pickled::Bool(true),
                    number => match number.parse() {
                        Ok(number) => Pickled::Int(number),
                        Err(_) => return Err(self.fault("a number that is none")),
                    },
                };
                self.push(value)?;
            }
            b'S' => {
                let line = self.line()?.to_owned();
                let value = quoted(&line).ok_or(self.fault("a text that is not quoted"))?;
                self.push(Pickled::Text(value))?;
            }
            b'V' => {
                let line = self.line()?.to_owned();
                let value = unescaped(&line).ok_or(self.fault("an escape that is none"))?;
                self.push(Pickled::Text(value))?;
            }
            b'T' | b'X' | b'B' => {
                let length = self.length(4)?;
                let value = self.text(length)?;
                self.push(value)?;
            }
            b'U' | 0x8c | b'C' => {
                let length = self.length(1)?;
                let value = self.text(length)?;
                self.push(value)?;
            }
            0x8d => {
                let length = self.length(8)?;
                let value = self.text(length)?;
                self.push(value)?;
            }
            b'p' => {
                let at = self.line()?.parse().unwrap_or(u64::MAX);
                self.remember(at)?;
            }
            b'q' => {
                let at = self.number(1)?;
                self.remember(at)?;
            }
            b'r' => {
                let at = self.number(4)?;
                self.remember(at)?;
            }
            b'g' => {
                let at = self.line()?.parse().unwrap_or(u64::MAX);
                self.recall(at)?;
            }
            b'h' => {
                let at = self.number(1)?;
                self.recall(at)?;
            }
            b'j' => {
                let at = self.number(4)?;
                self.recall(at)?;
            }
            _ => return Err(self.fault("an opcode that such a file does not have")),
        }
        Ok(None)
    }
}

/// A text as Python's `repr` writes it.
fn quoted(line: &str) -> Option<String> {
    let quote = line.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inside = line.get(1..)?.strip_suffix(quote)?;
    let mut out = String::new();
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'x' => {
                let digits: String = characters.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok()?;
                out.push(Some(byte).filter(u8::is_ascii)?.into());
            }
            other @ ('\\' | '\'' | '"') => out.push(other),
            _ => return None,
        }
    }
    Some(out)
}

/// A text with `\uXXXX` and `\UXXXXXXXX`.
fn unescaped(line: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let count = match characters.next() {
            Some('u') => 4,
            Some('U') => 8,
            other => {
                out.push('\\');
                out.extend(other);
                continue;
            }
        };
        let digits: String = characters.by_ref().take(count).collect();
        let code = u32::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| digits.len() == count)?;
        out.push(char::from_u32(code)?);
    }
    Some(out)
}

/// Writes what old virt-who can read too: a dictionary of one text, protocol 0.
#[must_use]
pub fn write(key: &str, value: &str) -> Vec<u8> {
    let escaped = |text: &str| -> String {
        text.chars()
            .map(|character| match u32::from(character) {
                0x20..=0x5b | 0x5d..=0x7e => character.to_string(),
                code @ 0..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            })
            .collect()
    };
    format!("(dp0\nV{}\np1\nV{}\np2\ns.", escaped(key), escaped(value)).into_bytes()
}
