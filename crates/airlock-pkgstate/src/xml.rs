//! Small XML documents as trees: Pkgmgr and Rules lists, bundles, bound entries.
//!
//! A tree keeps what the tools here have to give back: the order of attributes and children, comments, white space, and
//! for each element where it stands in the source, so that an editor can change one value and leave every other byte
//! alone. Document types (and with them entities of one's own) are refused; size, depth and the number of attributes are
//! limited. Namespaces are names with a colon, nothing more.

mod edit;
mod error;
mod read;
mod tag;
mod write;

pub use edit::edit_tag;
pub use error::{XmlError, XmlFlaw};
pub use read::{Document, Encoding};
pub use write::indented;

/// Bytes that a document may have.
pub const LARGEST: usize = 64 << 20;
/// Elements within elements.
pub const DEEPEST: usize = 64;
/// Attributes of one element.
pub const MOST_ATTRIBUTES: usize = 256;

/// Where an element stands in its source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// Line, from 1; 0 for elements that come from no source.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset of the `<` of the start tag in [`Document::text`].
    pub start: usize,
    /// Offset behind the `>` of the start tag.
    pub tag_end: usize,
    /// Offset of the `<` of the end tag; [`Place::tag_end`] when the element is written as `<a/>`.
    pub close: usize,
    /// Offset behind the whole element.
    pub end: usize,
}

/// An element: name, attributes and children in order.
///
/// Two elements are equal when they say the same, wherever they stand.
#[derive(Debug, Clone, Default)]
pub struct Element {
    /// Its name as written, with a prefix where there is one.
    pub name: String,
    /// Names and values, references resolved, in the order of the source. No name occurs twice.
    pub attributes: Vec<(String, String)>,
    /// What is inside.
    pub children: Vec<Node>,
    /// Where it stands.
    pub place: Place,
}

/// Something inside an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, references resolved. Never empty, never beside another text.
    Text(String),
    /// What stands between `<!--` and `-->`.
    Comment(String),
    /// What stands between `<?` and `?>`.
    Instruction(String),
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.attributes == other.attributes
            && self.children == other.children
    }
}

impl Eq for Element {}

impl Element {
    /// An element without attributes and children, from no source.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The same with one more attribute (or another value for one that is there).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sets an attribute: in its place when it is there, else as the last one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.attributes.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.into(),
            None => self.attributes.push((name.to_owned(), value.into())),
        }
    }

    /// Takes an attribute away and gives its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.attributes.iter().position(|(key, _)| key == name)?;
        Some(self.attributes.remove(at).1)
    }

    /// The elements directly inside.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The elements of one name directly inside.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.elements().filter(move |element| element.name == name)
    }

    /// The element and everything inside it, in the order of the document.
    pub fn walk(&self) -> impl Iterator<Item = &Element> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            let at = open.len();
            open.extend(next.elements());
            open[at..].reverse();
            Some(next)
        })
    }

    /// Puts an element behind the last child.
    pub fn push(&mut self, child: Element) {
        self.children.push(Node::Element(child));
    }

    /// The element as text; see [`Document::serialized`] for the form.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        write::element(self, &mut out);
        out
    }
}

/// A value as it may stand between quotes of this kind.
pub fn escaped_attribute(value: &str, quote: char) -> String {
    write::escaped_attribute(value, quote)
}

/// Whether XML 1.0 has this character.
pub fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
