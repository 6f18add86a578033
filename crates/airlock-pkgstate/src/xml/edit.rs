//! Changing one tag of a text and nothing else.

use super::tag::attributes;
use super::write::escaped_attribute;

/// The start tag with other values for some attributes. Values that are there are replaced between their quotes; new
/// attributes go behind the last one, quoted like it.
///
/// `tag` is a whole start tag, `<` to `>`, that was read before; one that was not comes back as it is.
pub fn edit_tag(tag: &str, changes: &[(String, String)]) -> String {
    let Some(inner) = tag
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
    else {
        return tag.to_owned();
    };
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let name_end = inner
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(inner.len());
    let mut out = String::from(&tag[..1 + name_end]);
    let mut copied = 1 + name_end;
    let mut quote = '"';
    let mut there = Vec::new();
    for attribute in attributes(&inner[name_end..]) {
        let Ok(attribute) = attribute else {
            return tag.to_owned();
        };
        // The value's own place: its text is a part of `tag`.
        let start = 1 + name_end + attribute.value_offset;
        let end = start + attribute.value.len();
        quote = tag[..start].chars().next_back().unwrap_or(quote);
        there.push(attribute.key);
        out.push_str(&tag[copied..start]);
        match changes.iter().find(|(name, _)| name == attribute.key) {
            Some((_, value)) => out.push_str(&escaped_attribute(value, quote)),
            None => out.push_str(attribute.value),
        }
        // With the closing quote.
        out.push_str(&tag[end..=end]);
        copied = end + 1;
    }
    for (name, value) in changes {
        if !there.contains(&name.as_str()) {
            let value = escaped_attribute(value, quote);
            out.push_str(&format!(" {name}={quote}{value}{quote}"));
        }
    }
    out.push_str(&tag[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(tag: &str, changes: &[(&str, &str)]) -> String {
        let changes: Vec<_> = changes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        edit_tag(tag, &changes)
    }

    #[test]
    fn only_the_values_that_change_are_other_bytes() {
        let tag = "<Instance\n  version = '1'  release=\"2\"\n  arch='x'  />";
        assert_eq!(
            edited(tag, &[("version", "10"), ("release", "a\"b'")]),
            "<Instance\n  version = '10'  release=\"a&quot;b'\"\n  arch='x'  />"
        );
        assert_eq!(edited(tag, &[]), tag);
    }

    #[test]
    fn a_new_attribute_goes_last_and_is_quoted_like_its_neighbours() {
        assert_eq!(
            edited("<a b='1' />", &[("epoch", "1")]),
            "<a b='1' epoch='1' />"
        );
        assert_eq!(edited("<a>", &[("epoch", "1")]), "<a epoch=\"1\">");
    }
}
