//! `.treeinfo` / `treeinfo`: the files of an installable tree.

use crate::checksum::Checksum;
use crate::encoding::to_text;
use crate::error::{Error, Flaw, Result};
use crate::location::check_href;

const FILE: &str = ".treeinfo";
/// Bytes of one line.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes of the file.
const LARGEST: usize = 16 << 20;

/// A tree's description.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Treeinfo {
    /// All sections in order; a section that stands twice is one.
    pub sections: Vec<Section>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Name.
    pub name: String,
    /// Options in order, names in lower case as Python reads them; `=` and `%` mean nothing in
    /// values.
    pub options: Vec<(String, String)>,
}

/// A file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path below the tree, checked to stay there.
    pub path: String,
    /// Checksum where the file gives one.
    pub checksum: Option<Checksum>,
}

impl Treeinfo {
    /// Reads a treeinfo file.
    ///
    /// # Errors
    /// [`Error::BadRepository`] with the line: no INI, too long, a path that leaves the tree, a
    /// checksum that is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LARGEST {
            let limit = LARGEST as u64;
            return Err(Error::bad(
                FILE,
                1,
                Flaw::Limit {
                    what: "the file",
                    limit,
                },
            ));
        }
        let text = to_text(bytes).map_err(|why| Error::bad(FILE, 1, why))?;
        let mut tree = Self::default();
        let mut current: Option<usize> = None;
        for (number, line) in text.lines().enumerate() {
            let bad = |why| Error::bad(FILE, number as u64 + 1, why);
            if line.len() > LONGEST_LINE {
                let limit = LONGEST_LINE as u64;
                return Err(bad(Flaw::Limit {
                    what: "a line",
                    limit,
                }));
            }
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[') {
                let Some((name, _)) = name.split_once(']') else {
                    return Err(bad(Flaw::Syntax {
                        why: "a section without its end",
                    }));
                };
                current = Some(tree.section_index(name));
                continue;
            }
            let section = current.and_then(|index| tree.sections.get_mut(index));
            let Some(section) = section else {
                return Err(bad(Flaw::Syntax {
                    why: "an option before the first section",
                }));
            };
            if line.starts_with([' ', '\t'])
                && let Some((name, value)) = section.options.last_mut()
            {
                value.push('\n');
                value.push_str(trimmed);
                check_option(&section.name, name, value).map_err(bad)?;
                continue;
            }
            let Some((name, value)) = trimmed.split_once(['=', ':']) else {
                return Err(bad(Flaw::Syntax {
                    why: "a line that is neither section nor option",
                }));
            };
            // Paths keep their case: they are names of files, not of options.
            let name = match section.name.as_str() {
                "checksums" => name.trim().to_owned(),
                _ => name.trim().to_ascii_lowercase(),
            };
            let value = value.trim().to_owned();
            check_option(&section.name, &name, &value).map_err(bad)?;
            match section.options.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => section.options.push((name, value)),
            }
        }
        Ok(tree)
    }

    fn section_index(&mut self, name: &str) -> usize {
        let known = self
            .sections
            .iter()
            .position(|section| section.name == name);
        known.unwrap_or_else(|| {
            self.sections.push(Section {
                name: name.to_owned(),
                options: Vec::new(),
            });
            self.sections.len() - 1
        })
    }

    /// The value of an option.
    pub fn get(&self, section: &str, option: &str) -> Option<&str> {
        let section = self.sections.iter().find(|found| found.name == section)?;
        let found = section.options.iter().find(|(name, _)| name == option);
        found.map(|(_, value)| value.as_str())
    }

    /// Every file that the tree names, each once: those with checksums first, then images.
    /// Repositories of variants are no files and not among them.
    pub fn files(&self) -> Vec<TreeFile> {
        let mut files: Vec<TreeFile> = Vec::new();
        for section in self
            .sections
            .iter()
            .filter(|section| section.name == "checksums")
        {
            for (path, value) in &section.options {
                files.push(TreeFile {
                    path: path.clone(),
                    checksum: checksum(value),
                });
            }
        }
        for section in self
            .sections
            .iter()
            .filter(|section| is_file_section(&section.name))
        {
            for (_, path) in &section.options {
                if !path.is_empty() && !files.iter().any(|file| file.path == *path) {
                    files.push(TreeFile {
                        path: path.clone(),
                        checksum: None,
                    });
                }
            }
        }
        files
    }
}

fn is_file_section(name: &str) -> bool {
    name == "stage2" || name.starts_with("images-")
}

fn checksum(value: &str) -> Option<Checksum> {
    let (kind, sum) = value.split_once(':')?;
    Checksum::new(kind, sum).ok()
}

fn check_option(section: &str, name: &str, value: &str) -> std::result::Result<(), Flaw> {
    if section == "checksums" {
        check_href(name)?;
        if checksum(value).is_none() {
            let (kind, sum) = value.split_once(':').unwrap_or(("", value));
            return Err(Flaw::checksum(kind, sum));
        }
    } else {
        let is_folder = section.starts_with("variant-")
            && matches!(name, "repository" | "packages")
            && !matches!(value, "." | "./");
        if (is_file_section(section) || is_folder) && !value.is_empty() {
            check_href(value)?;
        }
    }
    Ok(())
}
