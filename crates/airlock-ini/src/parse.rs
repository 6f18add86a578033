//! The reader: the line rules of Python's ConfigParser.

use std::collections::HashMap;
use std::sync::Arc;

use crate::interpolate::{LookUp, interpolate};
use crate::lines::{blank, place, split, strip, text};
use crate::{BadLine, Dialect, Entry, Error, File, Place, Result, Section, Warning};

/// The section that feeds all others.
const DEFAULT: &str = "DEFAULT";

/// How many bad lines are named.
const BAD_LINES: usize = 20;

/// An option while its value may still go on.
struct Draft {
    name: String,
    /// `None` for a name alone.
    lines: Option<Vec<String>>,
    place: Place,
}

struct DraftSection {
    name: String,
    place: Place,
    options: Vec<Draft>,
    by_name: HashMap<String, usize>,
}

/// Where lines go at the moment.
struct Cursor {
    section: usize,
    /// The option that a continuation belongs to.
    option: Option<usize>,
    indent: usize,
}

struct Reader<'a> {
    file: Arc<str>,
    dialect: &'a Dialect,
    /// The first one is `DEFAULT`.
    sections: Vec<DraftSection>,
    by_name: HashMap<String, usize>,
    options: usize,
    bad: Vec<BadLine>,
    warnings: Vec<Warning>,
}

/// Reads a file. `name` is what messages call it.
///
/// # Errors
/// When the bytes are no text, too many, or lines are neither headers nor options; as in the old parser one such line keeps the
/// whole file from being used.
pub fn parse(name: &str, bytes: &[u8], dialect: &Dialect) -> Result<File> {
    let file: Arc<str> = name.into();
    let mut warnings = Vec::new();
    let text = text(&file, bytes, dialect.limits.bytes, &mut warnings)?;
    let default = DraftSection {
        name: DEFAULT.to_owned(),
        place: place(&file, 0),
        options: Vec::new(),
        by_name: HashMap::new(),
    };
    let mut reader = Reader {
        file,
        dialect,
        sections: vec![default],
        by_name: HashMap::from([(DEFAULT.to_owned(), 0)]),
        options: 0,
        bad: Vec::new(),
        warnings,
    };
    let mut cursor = None;
    for (index, line) in split(text).enumerate() {
        reader.line(index, line, &mut cursor)?;
    }
    if !reader.bad.is_empty() {
        return Err(Error::Lines { lines: reader.bad });
    }
    reader.finish()
}

impl Reader<'_> {
    fn line(&mut self, index: usize, line: &str, cursor: &mut Option<Cursor>) -> Result<()> {
        let whole = strip(line);
        let remark = whole.starts_with(['#', ';']);
        let value = if remark { "" } else { whole };
        if value.is_empty() {
            // An empty line inside a value belongs to it; a remark does not.
            if !remark && let Some(lines) = self.open_value(cursor.as_ref()) {
                lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|&c| blank(c)).count();
        if let Some(now) = cursor.as_ref()
            && now.option.is_some()
            && indent > now.indent
        {
            let (value, cut) = self.without_remark(value);
            if cut {
                self.report_cut(now, index);
            }
            let value = value.to_owned();
            if let Some(lines) = self.open_value(cursor.as_ref()) {
                lines.push(value);
            } else {
                self.bad_line(index, "a name without value cannot go on");
            }
            return Ok(());
        }
        if let Some(name) = header(value) {
            *cursor = Some(Cursor {
                section: self.section(name, index)?,
                option: None,
                indent,
            });
            return Ok(());
        }
        let Some(now) = cursor.as_mut() else {
            return Err(Error::NoHeader {
                place: place(&self.file, index),
            });
        };
        now.indent = indent;
        now.option = self.option(now.section, value, index)?;
        Ok(())
    }

    /// The lines of the value that is open.
    fn open_value(&mut self, cursor: Option<&Cursor>) -> Option<&mut Vec<String>> {
        let cursor = cursor?;
        self.sections
            .get_mut(cursor.section)?
            .options
            .get_mut(cursor.option?)?
            .lines
            .as_mut()
    }

    fn report_cut(&mut self, cursor: &Cursor, index: usize) {
        let name = cursor
            .option
            .and_then(|option| self.sections.get(cursor.section)?.options.get(option))
            .map(|option| option.name.clone())
            .unwrap_or_default();
        self.warnings.push(Warning::RemarkCut {
            name,
            place: place(&self.file, index),
        });
    }

    /// A value without the remark that Python 2 knows.
    fn without_remark<'t>(&self, value: &'t str) -> (&'t str, bool) {
        if self.dialect.semicolon_remarks {
            for (at, _) in value.match_indices(';') {
                let before = value.get(..at).unwrap_or("");
                if before.ends_with(blank) {
                    return (strip(before), true);
                }
            }
        }
        (value, false)
    }

    fn bad_line(&mut self, index: usize, why: &'static str) {
        if self.bad.len() < BAD_LINES {
            self.bad.push(BadLine {
                place: place(&self.file, index),
                why,
            });
        }
    }

    fn section(&mut self, name: &str, index: usize) -> Result<usize> {
        if let Some(&known) = self.by_name.get(name) {
            return Ok(known);
        }
        let most = self.dialect.limits.sections;
        let place = place(&self.file, index);
        if self.sections.len() > most {
            return Err(Error::TooMany {
                place,
                what: "sections",
                most,
            });
        }
        self.by_name.insert(name.to_owned(), self.sections.len());
        self.sections.push(DraftSection {
            name: name.to_owned(),
            place,
            options: Vec::new(),
            by_name: HashMap::new(),
        });
        Ok(self.sections.len() - 1)
    }

    fn spelled(&self, name: &str) -> String {
        if self.dialect.lower_names {
            name.to_lowercase()
        } else {
            name.to_owned()
        }
    }

    fn option(&mut self, section: usize, line: &str, index: usize) -> Result<Option<usize>> {
        let (name, value) = match line.split_once(['=', ':']) {
            Some((name, value)) => (name, Some(strip(value))),
            None if self.dialect.names_alone => (line, None),
            None => {
                self.bad_line(index, "neither [section] nor name=value");
                return Ok(None);
            }
        };
        let name = self.spelled(strip(name));
        if name.is_empty() {
            self.bad_line(index, "a value without a name before '='");
            return Ok(None);
        }
        let value = value.map(|value| {
            let (value, cut) = if value.starts_with(';') && self.dialect.semicolon_remarks {
                ("", true)
            } else {
                self.without_remark(value)
            };
            if cut {
                self.warnings.push(Warning::RemarkCut {
                    name: name.clone(),
                    place: place(&self.file, index),
                });
            }
            vec![value.to_owned()]
        });
        let place = place(&self.file, index);
        let Some(into) = self.sections.get_mut(section) else {
            return Ok(None);
        };
        let draft = Draft {
            name: name.clone(),
            lines: value,
            place: place.clone(),
        };
        if let Some(&at) = into.by_name.get(&name) {
            if let Some(before) = into.options.get_mut(at) {
                let line = before.place.line;
                *before = draft;
                self.warnings.push(Warning::Repeated {
                    name,
                    place,
                    before: line,
                });
            }
            return Ok(Some(at));
        }
        count(&mut self.options, self.dialect.limits.options, &place)?;
        into.by_name.insert(name, into.options.len());
        into.options.push(draft);
        Ok(Some(into.options.len() - 1))
    }

    fn finish(mut self) -> Result<File> {
        let mut drafts = std::mem::take(&mut self.sections).into_iter();
        let default = drafts.next();
        let default = default.map(|draft| Joined::of(draft, self.dialect.lower_names));
        let mut sections = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let joined = Joined::of(draft, self.dialect.lower_names);
            let mut entries: Vec<Entry> = Vec::with_capacity(joined.options.len());
            let view = View {
                own: &joined,
                default: default.as_ref(),
            };
            for option in &joined.options {
                entries.push(self.entry(option, false, &view));
            }
            for option in default.iter().flat_map(|default| &default.options) {
                if !joined.by_name.contains_key(&option.name) {
                    count(
                        &mut self.options,
                        self.dialect.limits.options,
                        &joined.place,
                    )?;
                    entries.push(self.entry(option, true, &view));
                }
            }
            sections.push(Section {
                name: joined.name,
                place: joined.place,
                entries,
            });
        }
        let defaults = match &default {
            Some(joined) => {
                let view = View {
                    own: joined,
                    default: None,
                };
                // What is odd here was reported with the sections that it feeds, if there are any.
                let told = self.warnings.len();
                let entries = joined
                    .options
                    .iter()
                    .map(|option| self.entry(option, false, &view))
                    .collect();
                if !sections.is_empty() {
                    self.warnings.truncate(told);
                }
                entries
            }
            None => Vec::new(),
        };
        // An odd value of DEFAULT is told once, not once a section.
        let mut told = std::collections::HashSet::new();
        self.warnings.retain(|warning| {
            matches!(warning, Warning::Repeated { .. }) || told.insert(warning.to_string())
        });
        Ok(File {
            name: self.file,
            sections,
            defaults,
            warnings: self.warnings,
        })
    }

    fn entry(&mut self, option: &JoinedOption, inherited: bool, view: &View<'_>) -> Entry {
        let value = option.raw.as_ref().map(|raw| {
            let value = if self.dialect.interpolation {
                interpolate(
                    raw,
                    &option.name,
                    &option.place,
                    self.dialect.limits.value,
                    view,
                    &mut self.warnings,
                )
            } else {
                raw.clone()
            };
            if self.dialect.strip_quotes {
                without_quotes(value)
            } else {
                value
            }
        });
        Entry {
            name: option.name.clone(),
            value,
            raw: option.raw.clone(),
            place: option.place.clone(),
            inherited,
        }
    }
}

fn count(options: &mut usize, most: usize, place: &Place) -> Result<()> {
    *options += 1;
    if *options > most {
        return Err(Error::TooMany {
            place: place.clone(),
            what: "options",
            most,
        });
    }
    Ok(())
}

/// The name in `[name]`; what follows the last bracket is not looked at, as in Python.
fn header(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    let end = inside.rfind(']')?;
    inside.get(..end).filter(|name| !name.is_empty())
}

fn without_quotes(value: String) -> String {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return value;
    };
    if !value.ends_with(quote) {
        return value;
    }
    let inside = value.get(1..value.len() - 1).unwrap_or("");
    if inside.contains(quote) {
        value
    } else {
        inside.to_owned()
    }
}

struct JoinedOption {
    name: String,
    raw: Option<String>,
    place: Place,
}

/// A section whose values are whole.
struct Joined {
    name: String,
    place: Place,
    options: Vec<JoinedOption>,
    by_name: HashMap<String, usize>,
    lower_names: bool,
}

impl Joined {
    fn of(draft: DraftSection, lower_names: bool) -> Self {
        let options = draft.options.into_iter().map(|option| JoinedOption {
            name: option.name,
            raw: option
                .lines
                .map(|lines| lines.join("\n").trim_end_matches(blank).to_owned()),
            place: option.place,
        });
        Self {
            name: draft.name,
            place: draft.place,
            options: options.collect(),
            by_name: draft.by_name,
            lower_names,
        }
    }

    fn raw(&self, name: &str) -> Option<&str> {
        let &at = self.by_name.get(name)?;
        self.options.get(at)?.raw.as_deref()
    }
}

struct View<'a> {
    own: &'a Joined,
    default: Option<&'a Joined>,
}

impl LookUp for View<'_> {
    fn raw(&self, name: &str) -> Option<&str> {
        self.own
            .raw(name)
            .or_else(|| self.default.and_then(|default| default.raw(name)))
    }

    fn name(&self, written: &str) -> String {
        if self.own.lower_names {
            written.to_lowercase()
        } else {
            written.to_owned()
        }
    }
}
