//! The reader.

use std::collections::HashMap;

use crate::encoding::decode;
use crate::scalar::Scalar;
use crate::tokens::{Token, Tokens};
use crate::{Call, Error, Fault, Limits, Response, Result, Value};

/// Reads a call.
///
/// # Errors
/// Anything that is no call within the limits.
pub fn parse_call(bytes: &[u8], limits: &Limits) -> Result<Call> {
    let text = text(bytes, limits)?;
    let mut reader = Reader::new(&text, *limits);
    reader.expect("methodCall", "methodCall was expected")?;
    reader.expect("methodName", "methodName was expected")?;
    let method = reader.text_to_end()?.trim().to_owned();
    if method.is_empty() {
        return Err(reader.form("methodName is empty"));
    }
    let mut params = Vec::new();
    if let Some(name) = reader.start()? {
        if name != "params" {
            return Err(reader.form("params was expected"));
        }
        params = reader.params()?;
        reader.end("methodCall holds only methodName and params")?;
    }
    reader.over()?;
    Ok(Call { method, params })
}

/// Reads an answer.
///
/// # Errors
/// Anything that is no answer within the limits.
pub fn parse_response(bytes: &[u8], limits: &Limits) -> Result<Response> {
    let text = text(bytes, limits)?;
    let mut reader = Reader::new(&text, *limits);
    reader.expect("methodResponse", "methodResponse was expected")?;
    let response =
        match reader.start()? {
            Some("params") => {
                let params = reader.params()?;
                let mut params = params.into_iter();
                match (params.next(), params.next()) {
                    (Some(value), None) => Response::Value(value),
                    // Some servers answer calls without a result so.
                    (None, _) => Response::Value(Value::Nil),
                    _ => return Err(reader.form("an answer has one value")),
                }
            }
            Some("fault") => {
                reader.expect("value", "the value of a fault was expected")?;
                let value = reader.value(0)?;
                reader.end("a fault has one value")?;
                Response::Fault(fault(&value).ok_or_else(|| {
                    reader.form("a fault is a struct of faultCode and faultString")
                })?)
            }
            _ => return Err(reader.form("params or fault was expected")),
        };
    reader.end("methodResponse holds only params or fault")?;
    reader.over()?;
    Ok(response)
}

/// Reads a lone `<value>…</value>`, or a `<params>` with one, as systemid texts are.
///
/// # Errors
/// Anything else.
pub fn parse_value(bytes: &[u8], limits: &Limits) -> Result<Value> {
    let text = text(bytes, limits)?;
    let mut reader = Reader::new(&text, *limits);
    let value = match reader.start()? {
        Some("value") => reader.value(0)?,
        Some("params") => {
            let params = reader.params()?;
            let mut params = params.into_iter();
            match (params.next(), params.next()) {
                (Some(value), None) => value,
                _ => return Err(reader.form("one value was expected")),
            }
        }
        _ => return Err(reader.form("value or params was expected")),
    };
    reader.over()?;
    Ok(value)
}

fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<std::borrow::Cow<'a, str>> {
    if bytes.len() > limits.bytes {
        return Err(Error::TooLong {
            bytes: bytes.len(),
            most: limits.bytes,
        });
    }
    decode(bytes)
}

fn fault(value: &Value) -> Option<Fault> {
    let code = match value.member("faultCode")? {
        Value::Int(code) => *code,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let text = match value.member("faultString") {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Nil) => String::new(),
        Some(_) => return None,
    };
    Some(Fault { code, text })
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    limits: Limits,
    values: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, limits: Limits) -> Self {
        Self {
            tokens: Tokens::new(text),
            limits,
            values: 0,
        }
    }

    fn form(&self, why: &'static str) -> Error {
        Error::Form {
            at: self.tokens.at(),
            why,
        }
    }

    /// The next start, past blanks; `None` at the end of the element.
    fn start(&mut self) -> Result<Option<&'a str>> {
        loop {
            match self.tokens.next()? {
                Token::Start(name) => return Ok(Some(name)),
                Token::End => return Ok(None),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) => return Err(self.form("text where an element was expected")),
                Token::Over => return Err(self.form("the message ends too early")),
            }
        }
    }

    fn expect(&mut self, name: &str, why: &'static str) -> Result<()> {
        match self.start()? {
            Some(found) if found == name => Ok(()),
            _ => Err(self.form(why)),
        }
    }

    fn end(&mut self, why: &'static str) -> Result<()> {
        match self.start()? {
            None => Ok(()),
            Some(_) => Err(self.form(why)),
        }
    }

    fn over(&mut self) -> Result<()> {
        loop {
            match self.tokens.next()? {
                Token::Over => return Ok(()),
                Token::Text(text) if text.trim().is_empty() => {}
                _ => return Err(self.form("something follows the message")),
            }
        }
    }

    /// The text of the open element, up to its end.
    fn text_to_end(&mut self) -> Result<String> {
        let mut out = String::new();
        loop {
            match self.tokens.next()? {
                Token::Text(text) => out.push_str(&text),
                Token::End => return Ok(out),
                Token::Start(_) => return Err(self.form("an element where text was expected")),
                Token::Over => return Err(self.form("the message ends too early")),
            }
        }
    }

    /// Inside `params`, up to its end.
    fn params(&mut self) -> Result<Vec<Value>> {
        let mut params = Vec::new();
        while let Some(name) = self.start()? {
            if name != "param" {
                return Err(self.form("param was expected"));
            }
            self.expect("value", "the value of a param was expected")?;
            params.push(self.value(0)?);
            self.end("a param has one value")?;
        }
        Ok(params)
    }

    fn count(&mut self) -> Result<()> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(Error::TooMany {
                at: self.tokens.at(),
                most: self.limits.values,
            });
        }
        Ok(())
    }

    /// Inside `value`, up to its end.
    fn value(&mut self, depth: usize) -> Result<Value> {
        self.count()?;
        if depth > self.limits.depth {
            return Err(Error::TooDeep {
                at: self.tokens.at(),
                most: self.limits.depth,
            });
        }
        let mut untyped = String::new();
        loop {
            match self.tokens.next()? {
                // A value without a type is a string, blanks included.
                Token::End => return Ok(Value::String(untyped)),
                Token::Text(text) => untyped.push_str(&text),
                Token::Over => return Err(self.form("the message ends too early")),
                Token::Start(name) => {
                    if !untyped.trim().is_empty() {
                        return Err(self.form("text before the type of a value"));
                    }
                    let value = self.typed(name, depth)?;
                    self.end("a value has one type")?;
                    return Ok(value);
                }
            }
        }
    }

    fn typed(&mut self, name: &str, depth: usize) -> Result<Value> {
        match name {
            "array" => self.array(depth),
            "struct" => self.members(depth),
            _ => {
                let kind = Scalar::of(name)
                    .ok_or_else(|| self.form("a type that XML-RPC does not have"))?;
                let at = self.tokens.at();
                let text = self.text_to_end()?;
                kind.value(text).ok_or(Error::Scalar {
                    at,
                    kind: kind.name(),
                })
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        let Some(name) = self.start()? else {
            return Ok(Value::Array(items));
        };
        if name != "data" {
            return Err(self.form("data was expected in an array"));
        }
        while let Some(name) = self.start()? {
            if name != "value" {
                return Err(self.form("a value was expected in data"));
            }
            items.push(self.value(depth + 1)?);
        }
        self.end("an array has one data")?;
        Ok(Value::Array(items))
    }

    fn members(&mut self, depth: usize) -> Result<Value> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        while let Some(name) = self.start()? {
            if name != "member" {
                return Err(self.form("a member was expected in a struct"));
            }
            self.count()?;
            self.expect("name", "the name of a member was expected")?;
            let name = self.text_to_end()?;
            self.expect("value", "the value of a member was expected")?;
            let value = self.value(depth + 1)?;
            self.end("a member has a name and a value")?;
            if let Some(before) = by_name.get(&name).and_then(|&at| members.get_mut(at)) {
                before.1 = value;
            } else {
                by_name.insert(name.clone(), members.len());
                members.push((name, value));
            }
        }
        Ok(Value::Struct(members))
    }
}
