//! The forms of values: lists and words with remarks behind them. Reference: virt-who, section 1.1.

/// Why a list cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A quote is not closed.
    #[error("a quote is not closed; write both quotes, or a backslash before a lone one")]
    OpenQuote,
    /// A backslash with nothing behind it.
    #[error("it ends with a lone backslash; write two for one")]
    LoneBackslash,
}

/// Items between commas. White space outside quotes is dropped, also inside an item; quotes protect commas and blanks and may
/// stand inside an item; a backslash takes the next character as it is. An empty item between commas counts, one after the
/// last comma does not.
///
/// # Errors
/// An open quote, or a backslash at the end.
pub fn list(text: &str) -> Result<Vec<String>, ListError> {
    let mut items = Vec::new();
    let mut item = String::new();
    // Whether an item was begun since the last comma, be it empty in quotes.
    let mut begun = false;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            item.push(characters.next().ok_or(ListError::LoneBackslash)?);
            begun = true;
            continue;
        }
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => item.push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                begun = true;
            }
            (None, ',') => {
                items.push(std::mem::take(&mut item));
                begun = false;
            }
            (None, _) if character.is_whitespace() => {}
            (None, _) => {
                item.push(character);
                begun = true;
            }
        }
    }
    if quote.is_some() {
        return Err(ListError::OpenQuote);
    }
    if begun {
        items.push(item);
    }
    Ok(items)
}

/// A value without a remark (`# …` or `; …` after a blank, outside quotes), and whether there was one.
#[must_use]
pub fn without_remark(text: &str) -> (&str, bool) {
    let mut quote = None;
    let mut before = ' ';
    let mut skip = false;
    for (at, character) in text.char_indices() {
        if skip {
            skip = false;
        } else {
            match (quote, character) {
                (_, '\\') => skip = true,
                (Some(open), _) if open == character => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(character),
                (None, '#' | ';') if before.is_whitespace() => {
                    return (text.get(..at).unwrap_or("").trim(), true);
                }
                (None, _) => {}
            }
        }
        before = character;
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_behind_values_are_found_outside_quotes_only() {
        assert_eq!(without_remark("a, b # remark"), ("a, b", true));
        assert_eq!(without_remark("# only"), ("", true));
        assert_eq!(without_remark("a#b"), ("a#b", false));
        assert_eq!(without_remark("'a # b'"), ("'a # b'", false));
        assert_eq!(without_remark("uuid ; remark"), ("uuid", true));
    }

    #[test]
    fn quoted_nothing_is_an_item() {
        assert_eq!(list("''"), Ok(vec![String::new()]));
        assert_eq!(list("a,''"), Ok(vec!["a".to_owned(), String::new()]));
        assert_eq!(list(" "), Ok(Vec::new()));
    }
}
