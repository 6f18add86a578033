//! The few values of a package that a mirror needs, read without reading the rest.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::FILE;
use crate::error::{Error, Flaw, Result};
use crate::location::{check_base, check_href};
use crate::text::{attribute, content, syntax};

/// What identifies a package, where it lies, how big it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimarySummary<'a> {
    /// Type of the checksum (`sha256` …), lower case.
    pub checksum_type: Cow<'a, str>,
    /// Checksum of the package file, in lower-case hexadecimal: the package's id.
    pub checksum: Cow<'a, str>,
    /// Name.
    pub name: Cow<'a, str>,
    /// Epoch; 0 when there is none.
    pub epoch: u64,
    /// Version.
    pub version: Cow<'a, str>,
    /// Release; may be empty.
    pub release: Cow<'a, str>,
    /// Architecture; `src` or `nosrc` for source packages.
    pub arch: Cow<'a, str>,
    /// Bytes of the package file; 0 when not said.
    pub size_package: u64,
    /// Bytes of all files installed; 0 when not said.
    pub size_installed: u64,
    /// Bytes of the payload opened; 0 when not said.
    pub size_archive: u64,
    /// Modification time of the package file in seconds since 1970.
    pub time_file: i64,
    /// Build time in seconds since 1970.
    pub time_build: i64,
    /// File name of the source package; empty for source packages.
    pub source_rpm: Cow<'a, str>,
    /// Location of the file, checked to stay inside the repository.
    pub href: Cow<'a, str>,
    /// `xml:base` of the location: an `http(s)` or `ftp` URL of another place that the file comes from.
    pub xml_base: Option<Cow<'a, str>>,
    /// First and last-plus-one byte of the main header in the file.
    pub header_range: Option<(u64, u64)>,
}

/// Reads the summary of a canonical primary fragment, mostly without reading its long lists.
///
/// # Errors
/// [`Error::BadRepository`] for a package without name, architecture, version, checksum or
/// location, or with one of the first four twice; an epoch or package size that is no number; a
/// location that leaves the repository.
pub fn summarize(fragment: &[u8]) -> Result<PrimarySummary<'_>> {
    if let Some(head) = head(fragment)
        && let Ok(text) = std::str::from_utf8(head)
        && let Ok(parts) = read(&mut Reader::from_reader(text.as_bytes()))
        && parts.is_complete()
    {
        return parts
            .finish()
            .map_err(|why| Error::at(FILE, fragment, 0, why));
    }
    let text = std::str::from_utf8(fragment)
        .map_err(|error| Error::at(FILE, fragment, error.valid_up_to(), Flaw::BadText))?;
    let mut reader = Reader::from_reader(text.as_bytes());
    read(&mut reader)
        .and_then(Parts::finish)
        .map_err(|why| Error::at(FILE, fragment, reader.buffer_position() as usize, why))
}

/// The part of a fragment that holds everything asked for here: createrepo_c and all that came
/// after it write the header range behind it and before the long lists. `None` when something
/// stands behind `<format>`, which could say again what was said before.
fn head(fragment: &[u8]) -> Option<&[u8]> {
    static FINDERS: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| [Finder::new("<rpm:header-range"), Finder::new("</format>")]);
    let [range, format_end] = &*FINDERS;
    let start = range.find(fragment)?;
    let end = start + memchr::memchr(b'>', &fragment[start..])? + 1;
    let behind = end + format_end.find(&fragment[end..])? + b"</format>".len();
    (fragment[behind..].trim_ascii() == b"</package>").then(|| &fragment[..end])
}

#[derive(Default)]
struct Parts<'a> {
    checksum: Option<(Cow<'a, str>, Cow<'a, str>)>,
    name: Cow<'a, str>,
    arch: Cow<'a, str>,
    version: Option<(u64, Cow<'a, str>, Cow<'a, str>)>,
    sizes: Option<[u64; 3]>,
    times: Option<[i64; 2]>,
    location: Option<(Cow<'a, str>, Option<Cow<'a, str>>)>,
    source_rpm: Option<Cow<'a, str>>,
    header_range: Option<(u64, u64)>,
}

fn read<'a>(reader: &mut Reader<&'a [u8]>) -> std::result::Result<Parts<'a>, Flaw> {
    let mut parts = Parts::default();
    let mut depth = 0_usize;
    let mut in_format = false;
    loop {
        match reader.read_event().map_err(|error| syntax(&error))? {
            Event::Start(tag) => {
                let taken = parts.take(reader, &tag, depth, in_format, false)?;
                if !taken {
                    in_format |= depth == 1 && name_of(&tag) == "format";
                    depth += 1;
                }
            }
            Event::Empty(tag) => {
                parts.take(reader, &tag, depth, in_format, true)?;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                in_format &= depth != 1;
                if depth == 0 {
                    break;
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Ok(parts)
}

fn name_of<'t>(tag: &'t BytesStart<'_>) -> &'t str {
    let name: &'t [u8] = &tag.as_ref().as_bytes()[..tag.name().as_ref().len()];
    std::str::from_utf8(name).unwrap_or_default()
}

impl<'a> Parts<'a> {
    fn is_complete(&self) -> bool {
        !self.name.is_empty()
            && !self.arch.is_empty()
            && self.checksum.is_some()
            && self.version.is_some()
            && self.sizes.is_some()
            && self.times.is_some()
            && self.location.is_some()
            && self.source_rpm.is_some()
            && self.header_range.is_some()
    }

    /// A client could take one and Airlock the other.
    fn refuse_second(&self, name: &str) -> std::result::Result<(), Flaw> {
        let there = match name {
            "name" => !self.name.is_empty(),
            "arch" => !self.arch.is_empty(),
            "checksum" => self.checksum.is_some(),
            "version" => self.version.is_some(),
            _ => false,
        };
        match there {
            true => Err(Flaw::Duplicate {
                what: format!("<{name}> of a package"),
            }),
            false => Ok(()),
        }
    }

    /// Takes what an element says. True when the element was read up to its end.
    fn take(
        &mut self,
        reader: &mut Reader<&'a [u8]>,
        tag: &BytesStart<'a>,
        depth: usize,
        in_format: bool,
        empty: bool,
    ) -> std::result::Result<bool, Flaw> {
        let name = name_of(tag);
        if depth == 1 {
            self.refuse_second(name)?;
        }
        let mut text = |trim: bool| -> std::result::Result<Cow<'a, str>, Flaw> {
            let text = if empty {
                Cow::Borrowed("")
            } else {
                content(reader, tag)?
            };
            Ok(if trim { trimmed(text) } else { text })
        };
        match (depth, in_format, name) {
            (1, _, "name") => self.name = text(true)?,
            (1, _, "arch") => self.arch = text(true)?,
            (1, _, "checksum") => {
                let kind = attribute(tag, "type")?.unwrap_or_default();
                let kind = Cow::Owned(kind.trim().to_ascii_lowercase());
                let value = text(true)?;
                let value = match value.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    true => Cow::Owned(value.to_ascii_lowercase()),
                    false => value,
                };
                self.checksum = Some((kind, value));
            }
            (1, _, "version") => {
                self.version = Some((
                    epoch(attribute(tag, "epoch")?.as_deref())?,
                    attribute(tag, "ver")?.unwrap_or_default(),
                    attribute(tag, "rel")?.unwrap_or_default(),
                ));
                return Ok(false);
            }
            (1, _, "size") => {
                let number = |name| -> std::result::Result<u64, Flaw> {
                    Ok(attribute(tag, name)?
                        .and_then(|text| text.trim().parse().ok())
                        .unwrap_or(0))
                };
                let package = match attribute(tag, "package")? {
                    // No file has more bytes than a signed number holds, and no database stores more.
                    Some(text) if !text.trim().is_empty() => text
                        .trim()
                        .parse()
                        .ok()
                        .filter(|size| i64::try_from(*size).is_ok())
                        .ok_or_else(|| Flaw::number("size of the package", &text))?,
                    _ => 0,
                };
                self.sizes = Some([package, number("installed")?, number("archive")?]);
                return Ok(false);
            }
            (1, _, "time") => {
                self.times = Some([
                    time(attribute(tag, "file")?.as_deref()),
                    time(attribute(tag, "build")?.as_deref()),
                ]);
                return Ok(false);
            }
            (1, _, "location") => {
                self.location = Some((
                    attribute(tag, "href")?.unwrap_or_default(),
                    attribute(tag, "xml:base")?.filter(|base| !base.is_empty()),
                ));
                return Ok(false);
            }
            (2, true, "rpm:sourcerpm") => self.source_rpm = Some(text(true)?),
            (2, true, "rpm:header-range") => {
                let number = |name| -> std::result::Result<Option<u64>, Flaw> {
                    Ok(attribute(tag, name)?.and_then(|text| text.trim().parse().ok()))
                };
                self.header_range = number("start")?.zip(number("end")?);
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(!empty)
    }

    fn finish(self) -> std::result::Result<PrimarySummary<'a>, Flaw> {
        let missing = |element| Flaw::MissingElement {
            element,
            parent: "package",
        };
        if self.name.is_empty() {
            return Err(missing("name"));
        }
        if self.arch.is_empty() {
            return Err(missing("arch"));
        }
        let (checksum_type, checksum) = self.checksum.ok_or_else(|| missing("checksum"))?;
        let (epoch, version, release) = self.version.ok_or_else(|| missing("version"))?;
        let (href, xml_base) = self.location.ok_or_else(|| missing("location"))?;
        check_href(&href)?;
        if let Some(base) = &xml_base {
            check_base(base)?;
        }
        let [size_package, size_installed, size_archive] = self.sizes.unwrap_or_default();
        let [time_file, time_build] = self.times.unwrap_or_default();
        Ok(PrimarySummary {
            checksum_type,
            checksum,
            name: self.name,
            epoch,
            version,
            release,
            arch: self.arch,
            size_package,
            size_installed,
            size_archive,
            time_file,
            time_build,
            source_rpm: self.source_rpm.unwrap_or_default(),
            href,
            xml_base,
            header_range: self.header_range,
        })
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => match text.trim().len() == text.len() {
            true => Cow::Owned(text),
            false => Cow::Owned(text.trim().to_owned()),
        },
    }
}

/// Epochs are 32 bits wide in packages; more is an attack on version comparison.
pub(crate) fn epoch(text: Option<&str>) -> std::result::Result<u64, Flaw> {
    match text.map(str::trim) {
        None | Some("") => Ok(0),
        Some(text) => text
            .parse::<u32>()
            .map(u64::from)
            .map_err(|_| Flaw::number("epoch", text)),
    }
}

/// Seconds since 1970; a fraction is dropped, nonsense is 0.
fn time(text: Option<&str>) -> i64 {
    let text = text.unwrap_or_default().trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().unwrap_or(0)
}
