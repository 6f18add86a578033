//! Module metadata: `modules.yaml`, a stream of YAML documents.
//!
//! Documents are kept byte by byte, so that kinds and fields that are not known here pass through
//! unharmed; what a mirror needs is read beside that. All scalars are text: the version `1.10` is
//! not the number 1.1. Aliases are expanded up to a bound, tags are ignored.

mod artifacts;
mod place;
mod split;
mod value;

use crate::encoding::to_text;
use crate::error::{DOCUMENT, Error, Flaw, Result};
use crate::limits::Limits;
use value::Value;

const FILE: &str = "modules.yaml";

/// One document of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleDocument {
    /// The document's own bytes, without the `---` before and the `...` behind.
    pub raw: String,
    /// Line of the file where it starts, from 1.
    pub line: u64,
    /// What it says.
    pub content: ModuleContent,
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleContent {
    /// A build of a module stream.
    Stream(Box<ModuleStream>),
    /// Default stream and profiles of a module.
    Defaults(ModuleDefaults),
    /// A stream that is no longer kept.
    Obsoletes(ModuleObsoletes),
    /// Any other kind; the text is what the document names itself.
    Other(String),
}

/// A build of a module stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleStream {
    /// Version of the document's format: 1 or 2.
    pub format: String,
    /// Name of the module.
    pub name: String,
    /// Stream.
    pub stream: String,
    /// Version of the build, as text.
    pub version: String,
    /// Context: tells builds of one version apart.
    pub context: String,
    /// Architecture.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Several lines.
    pub description: String,
    /// Alternatives of what it needs.
    pub dependencies: Vec<ModuleDependencies>,
    /// Profiles.
    pub profiles: Vec<ModuleProfile>,
    /// Names of packages that belong to the stream's interface.
    pub api: Vec<String>,
    /// NEVRAs of its packages (`name-epoch:version-release.arch`).
    pub artifacts: Vec<String>,
}

impl ModuleStream {
    /// `name:stream:version:context:arch`.
    pub fn nsvca(&self) -> String {
        format!(
            "{}:{}:{}:{}:{}",
            self.name, self.stream, self.version, self.context, self.arch
        )
    }
}

/// One alternative of what a module needs: modules, each with streams. No streams means any;
/// `-stream` means all but that one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleDependencies {
    /// To build it.
    pub build_requires: Vec<(String, Vec<String>)>,
    /// To use it.
    pub requires: Vec<(String, Vec<String>)>,
}

/// A profile of a module: packages for one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleProfile {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Names of packages.
    pub packages: Vec<String>,
}

/// Default stream and profiles of a module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleDefaults {
    /// Name of the module.
    pub module: String,
    /// Default stream, where there is one.
    pub stream: Option<String>,
    /// Default profiles of each stream.
    pub profiles: Vec<(String, Vec<String>)>,
    /// When it was last changed, as text.
    pub modified: Option<String>,
}

/// Says that a stream is no longer kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleObsoletes {
    /// Name of the module.
    pub module: String,
    /// Stream.
    pub stream: String,
    /// Only this context.
    pub context: Option<String>,
    /// When this was said.
    pub modified: String,
    /// From when on.
    pub eol_date: Option<String>,
    /// Text for people.
    pub message: String,
    /// Takes back what was said before.
    pub reset: bool,
    /// Module and stream to use instead.
    pub obsoleted_by: Option<(String, String)>,
}

/// Reads a `modules.yaml`.
///
/// # Errors
/// [`Error::BadRepository`] with the line: YAML that cannot be read, aliases that expand to more
/// than 100,000 nodes, a stream without name or stream.
pub fn parse(bytes: &[u8]) -> Result<Vec<ModuleDocument>> {
    let limits = Limits::default();
    if bytes.len() > limits.max_document {
        let limit = limits.max_document as u64;
        return Err(Error::bad(
            FILE,
            1,
            Flaw::Limit {
                what: DOCUMENT,
                limit,
            },
        ));
    }
    let text = to_text(bytes).map_err(|why| Error::bad(FILE, 1, why))?;
    let mut documents = Vec::new();
    for (line, raw) in split::documents(&text) {
        let (value, at) = match value::load(raw, limits.max_depth) {
            Ok(Some(value)) => (value, line),
            Ok(None) => continue,
            Err((within, why)) => return Err(Error::bad(FILE, line + within, why)),
        };
        documents.push(ModuleDocument {
            raw: raw.to_owned(),
            line: at,
            content: content(&value).map_err(|why| Error::bad(FILE, line, why))?,
        });
    }
    Ok(documents)
}

/// The file of these documents.
pub fn write<'d>(documents: impl IntoIterator<Item = &'d ModuleDocument>) -> Vec<u8> {
    let mut out = Vec::new();
    for document in documents {
        out.extend_from_slice(b"---\n");
        out.extend_from_slice(document.raw.as_bytes());
        if !document.raw.ends_with('\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(b"...\n");
    }
    out
}

fn content(document: &Value) -> std::result::Result<ModuleContent, Flaw> {
    let data = document.get("data");
    let format = document.text("version");
    let kind = document.text("document");
    Ok(match kind.as_str() {
        "modulemd" | "modulemd-stream" => ModuleContent::Stream(Box::new(stream(format, data)?)),
        "modulemd-defaults" => ModuleContent::Defaults(defaults(data)?),
        "modulemd-obsoletes" => ModuleContent::Obsoletes(obsoletes(data)?),
        _ => ModuleContent::Other(kind),
    })
}

fn needed(
    text: String,
    element: &'static str,
    parent: &'static str,
) -> std::result::Result<String, Flaw> {
    match text.is_empty() {
        true => Err(Flaw::MissingElement { element, parent }),
        false => Ok(text),
    }
}

fn stream(format: String, data: &Value) -> std::result::Result<ModuleStream, Flaw> {
    let dependencies = match data.get("dependencies") {
        // Format 1 has one alternative and plain texts as streams.
        one @ Value::Mapping(_) => vec![one],
        many => many.items().iter().collect(),
    };
    Ok(ModuleStream {
        format,
        name: needed(data.text("name"), "name", "modulemd")?,
        stream: needed(data.text("stream"), "stream", "modulemd")?,
        version: data.text("version"),
        context: data.text("context"),
        arch: data.text("arch"),
        summary: data.text("summary"),
        description: data.text("description"),
        dependencies: dependencies
            .into_iter()
            .map(|alternative| ModuleDependencies {
                build_requires: streams(alternative.get("buildrequires")),
                requires: streams(alternative.get("requires")),
            })
            .collect(),
        profiles: data
            .get("profiles")
            .entries()
            .map(|(name, profile)| ModuleProfile {
                name: name.to_owned(),
                description: profile.text("description"),
                packages: profile.get("rpms").texts(),
            })
            .collect(),
        api: data.get("api").get("rpms").texts(),
        artifacts: data.get("artifacts").get("rpms").texts(),
    })
}

fn streams(value: &Value) -> Vec<(String, Vec<String>)> {
    value
        .entries()
        .map(|(name, streams)| (name.to_owned(), streams.texts()))
        .collect()
}

fn defaults(data: &Value) -> std::result::Result<ModuleDefaults, Flaw> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(ModuleDefaults {
        module: needed(data.text("module"), "module", "modulemd-defaults")?,
        stream: some(data.text("stream")),
        profiles: streams(data.get("profiles")),
        modified: some(data.text("modified")),
    })
}

fn obsoletes(data: &Value) -> std::result::Result<ModuleObsoletes, Flaw> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let by = data.get("obsoleted_by");
    Ok(ModuleObsoletes {
        module: needed(data.text("module"), "module", "modulemd-obsoletes")?,
        stream: needed(data.text("stream"), "stream", "modulemd-obsoletes")?,
        context: some(data.text("context")),
        modified: data.text("modified"),
        eol_date: some(data.text("eol_date")),
        message: data.text("message"),
        reset: data.text("reset") == "true",
        obsoleted_by: some(by.text("module")).map(|module| (module, by.text("stream"))),
    })
}
