//! What can be wrong with an XML document, and where.

/// A document that cannot be read as XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {flaw}")]
pub struct XmlError {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub flaw: XmlFlaw,
}

/// One thing that is wrong in a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlFlaw {
    /// A size, depth or number is over its limit.
    #[error("{what}: more than {limit}; split the file")]
    Limit {
        /// Of what there is too much.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
    /// The bytes are no text of their encoding.
    #[error(
        "this is no UTF-8; save the file as UTF-8, or declare its encoding in the first line: <?xml version='1.0' encoding='ISO-8859-1'?>"
    )]
    NoText,
    /// An encoding that is not read.
    #[error("the encoding {name:?} is not read; save the file as UTF-8")]
    Encoding {
        /// As the document declares it.
        name: String,
    },
    /// A document type.
    #[error("a document type (<!DOCTYPE …>) is refused; take the line out")]
    DocumentType,
    /// A tag, comment or section without an end.
    #[error("{what} that does not end")]
    Unended {
        /// What was begun.
        what: &'static str,
    },
    /// An end tag that fits no start tag.
    #[error("the end tag </{found}> stands where </{expected}> is expected")]
    WrongEnd {
        /// The name that is open.
        expected: String,
        /// The name of the end tag.
        found: String,
    },
    /// The file ends inside an element.
    #[error("the file ends inside <{name}>, which starts in line {line}; add </{name}>")]
    Cut {
        /// The innermost element that is open.
        name: String,
        /// Its line.
        line: u32,
    },
    /// No element at all.
    #[error("there is no element; the file is empty or no XML")]
    NoElement,
    /// Text or elements outside the root element.
    #[error("{what} outside the root element")]
    Outside {
        /// What stands there.
        what: &'static str,
    },
    /// A broken tag.
    #[error("<{element}>: {why}")]
    Tag {
        /// The element.
        element: String,
        /// What is wrong with its tag.
        why: &'static str,
    },
    /// An attribute twice.
    #[error("<{element}>: the attribute {attribute} stands there twice; take one out")]
    Twice {
        /// The element.
        element: String,
        /// The attribute.
        attribute: String,
    },
    /// A reference to nothing.
    #[error("&{reference} is no reference that XML knows; write a plain & as &amp;")]
    Reference {
        /// What follows the `&`.
        reference: String,
    },
    /// A character that XML does not have.
    #[error("the character U+{code:04X} cannot stand in XML; take it out")]
    Character {
        /// Its number.
        code: u32,
    },
    /// Something else that quick-xml refuses.
    #[error("not well-formed: {why}")]
    Syntax {
        /// The parser's reason.
        why: String,
    },
}
