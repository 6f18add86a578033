//! Rewrites an element into canonical form.
//!
//! Nearly all repositories write `rpm:` for the rpm namespace and nothing for the file's own; their
//! bytes are taken as they are. Everything else comes here: other prefixes, further namespaces,
//! characters that XML does not allow. The element then carries on itself the declarations of all
//! further namespaces that it uses, so that it is well-formed wherever it is put.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::error::Flaw;
use crate::kind::RPM;
use crate::text::{clean, push_attribute, push_text, resolve, syntax};

/// Namespaces declared by a root element, in effect for everything below.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Namespaces {
    /// Prefix (empty for the default) and namespace.
    pub(crate) bindings: Vec<(String, String)>,
}

impl Namespaces {
    /// Namespace of a prefix.
    pub(crate) fn get(&self, prefix: &str) -> Option<&str> {
        let found = self
            .bindings
            .iter()
            .rev()
            .find(|(bound, _)| bound == prefix);
        found
            .map(|(_, uri)| uri.as_str())
            .filter(|uri| !uri.is_empty())
    }

    /// True when elements can be taken over as they are.
    pub(crate) fn are_standard(&self, own: &str) -> bool {
        self.get("").is_none_or(|uri| uri == own) && self.get("rpm").is_none_or(|uri| uri == RPM)
    }
}

/// A namespace that is neither the file's own nor rpm's, and the prefix that it is written with.
struct Further {
    prefix: String,
    uri: String,
}

struct Rewriter<'n> {
    own: &'n str,
    scope: Namespaces,
    further: Vec<Further>,
    body: Vec<u8>,
}

/// Appends the element in canonical form. It has to be well-formed.
pub(crate) fn rewrite(
    element: &str,
    own: &str,
    namespaces: &Namespaces,
    out: &mut Vec<u8>,
) -> Result<(), Flaw> {
    let mut rewriter = Rewriter {
        own,
        scope: namespaces.clone(),
        further: Vec::new(),
        body: Vec::with_capacity(element.len()),
    };
    let mut reader = Reader::from_reader(element.as_bytes());
    // Bindings in effect before each open element, and the name it is written with.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut root: Option<(usize, usize)> = None;
    loop {
        match reader.read_event().map_err(|error| syntax(&error))? {
            Event::Start(tag) => {
                let outer = rewriter.scope.bindings.len();
                let name = rewriter.start(&tag)?;
                root.get_or_insert((name.len() + 1, rewriter.body.len()));
                rewriter.body.push(b'>');
                open.push((outer, name));
            }
            Event::Empty(tag) => {
                let outer = rewriter.scope.bindings.len();
                let name = rewriter.start(&tag)?;
                root.get_or_insert((name.len() + 1, rewriter.body.len()));
                rewriter.body.extend_from_slice(b"/>");
                rewriter.scope.bindings.truncate(outer);
            }
            Event::End(_) => {
                if let Some((outer, name)) = open.pop() {
                    rewriter.body.extend_from_slice(b"</");
                    rewriter.body.extend_from_slice(name.as_bytes());
                    rewriter.body.push(b'>');
                    rewriter.scope.bindings.truncate(outer);
                }
            }
            Event::Text(text) => push_text(&mut rewriter.body, &text.into_inner()),
            Event::CData(text) => push_text(&mut rewriter.body, &text.into_inner()),
            Event::GeneralRef(reference) => {
                push_text(
                    &mut rewriter.body,
                    &resolve(&format!("&{};", reference.into_inner()))?,
                );
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::DocType(_) => return Err(Flaw::DocumentType),
            Event::Eof => break,
        }
    }
    // Declarations go behind the name of the outermost element.
    let behind_name = root.map_or(0, |(name, _)| name);
    out.extend_from_slice(&rewriter.body[..behind_name]);
    for further in &rewriter.further {
        out.extend_from_slice(b" xmlns:");
        out.extend_from_slice(further.prefix.as_bytes());
        out.extend_from_slice(b"=\"");
        push_attribute(out, &further.uri);
        out.push(b'"');
    }
    out.extend_from_slice(&rewriter.body[behind_name..]);
    Ok(())
}

impl Rewriter<'_> {
    /// Writes a start tag without its end and gives the name that it was written with.
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<String, Flaw> {
        let mut attributes: Vec<(String, String)> = Vec::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| Flaw::Syntax {
                why: "a broken attribute",
            })?;
            let name: &str = attribute.key.as_ref();
            let value = clean(&resolve(&attribute.value)?);
            match name.strip_prefix("xmlns") {
                Some("") => self.scope.bindings.push((String::new(), value)),
                Some(prefix) if prefix.starts_with(':') => {
                    self.scope.bindings.push((prefix[1..].to_owned(), value));
                }
                _ => attributes.push((name.to_owned(), value)),
            }
        }
        let name = self.name(tag.name().as_ref(), true)?;
        self.body.push(b'<');
        self.body.extend_from_slice(name.as_bytes());
        let mut written: Vec<String> = Vec::new();
        for (attribute, value) in attributes {
            let attribute = self.name(&attribute, false)?;
            // Two prefixes of one namespace can make two attributes one.
            if written.contains(&attribute) {
                continue;
            }
            self.body.push(b' ');
            self.body.extend_from_slice(attribute.as_bytes());
            self.body.extend_from_slice(b"=\"");
            push_attribute(&mut self.body, &value);
            self.body.push(b'"');
            written.push(attribute);
        }
        Ok(name)
    }

    /// The canonical spelling of a qualified name.
    fn name(&mut self, name: &str, element: bool) -> Result<String, Flaw> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if local.is_empty() || local.contains(':') {
            return Err(Flaw::Syntax {
                why: "a name that is none",
            });
        }
        if prefix == "xml" || (prefix.is_empty() && !element) {
            return Ok(name.to_owned());
        }
        let Some(uri) = self.scope.get(prefix) else {
            // Files without any declaration exist; what they mean is plain.
            return match prefix {
                "" | "rpm" => Ok(name.to_owned()),
                _ => Err(Flaw::Prefix {
                    prefix: prefix.chars().take(64).collect(),
                }),
            };
        };
        if uri == self.own {
            return Ok(local.to_owned());
        }
        if uri == RPM {
            return Ok(format!("rpm:{local}"));
        }
        let uri = uri.to_owned();
        Ok(format!("{}:{local}", self.further(prefix, uri)))
    }

    /// Prefix of a further namespace: the source's own unless it is taken.
    fn further(&mut self, prefix: &str, uri: String) -> String {
        if let Some(known) = self.further.iter().find(|known| known.uri == uri) {
            return known.prefix.clone();
        }
        let taken = |prefix: &str| {
            matches!(prefix, "" | "rpm" | "xml" | "xmlns")
                || self.further.iter().any(|known| known.prefix == prefix)
        };
        let prefix = match taken(prefix) {
            false => prefix.to_owned(),
            true => (1..=self.further.len() + 1)
                .map(|number| format!("ns{number}"))
                .find(|prefix| !taken(prefix))
                .unwrap_or_default(),
        };
        self.further.push(Further {
            prefix: prefix.clone(),
            uri,
        });
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::{Namespaces, rewrite};
    use crate::kind::{COMMON, RPM};

    fn canonical(element: &str, bindings: &[(&str, &str)]) -> String {
        let namespaces = Namespaces {
            bindings: bindings
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        };
        let mut out = Vec::new();
        rewrite(element, COMMON, &namespaces, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prefixes_become_the_usual_ones() {
        let bindings = [("m", COMMON), ("r", RPM), ("", "http://else")];
        assert_eq!(
            canonical(
                "<m:package type='rpm'><m:format><r:group>a &amp; b</r:group></m:format></m:package>",
                &bindings
            ),
            "<package type=\"rpm\"><format><rpm:group>a &amp; b</rpm:group></format></package>"
        );
    }

    #[test]
    fn further_namespaces_are_declared_on_the_element() {
        let bindings = [
            ("", COMMON),
            ("rpm", RPM),
            ("suse", "http://suse"),
            ("unused", "http://unused"),
        ];
        assert_eq!(
            canonical(
                "<package><suse:x a='1' suse:b='&#10;'/><y xmlns='http://other'><z/></y></package>",
                &bindings
            ),
            "<package xmlns:suse=\"http://suse\" xmlns:ns1=\"http://other\"><suse:x a=\"1\" suse:b=\"&#10;\"/><ns1:y><ns1:z/></ns1:y></package>"
        );
        assert_eq!(
            canonical(
                "<package><p:x xmlns:p='http://1'/><p:x xmlns:p='http://2'/></package>",
                &bindings[..2]
            ),
            "<package xmlns:p=\"http://1\" xmlns:ns1=\"http://2\"><p:x/><ns1:x/></package>"
        );
    }

    #[test]
    fn illegal_characters_and_comments_go() {
        assert_eq!(
            canonical(
                "<package><!-- c --><a b='&#0;x'>&#x1F;y\u{1}<![CDATA[<z>]]></a></package>",
                &[]
            ),
            "<package><a b=\"x\">y&lt;z&gt;</a></package>"
        );
    }
}
