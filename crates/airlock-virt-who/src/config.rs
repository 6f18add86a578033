//! The configuration: what is read from where, what it means, and what is wrong with it.
//!
//! Takes what virt-who took, of both generations: `/etc/virt-who.conf`, `/etc/virt-who.d/*.conf`, `-c` files,
//! `/etc/sysconfig/virt-who`, `VIRTWHO_*` in the environment and the command line. One bad section or file never stops the
//! others. Everything that is odd becomes a [`Told`] with its place; nothing is thrown. Reference: virt-who, section 1.

mod addresses;
pub mod candlepin;
pub mod destinations;
pub mod environment;
pub mod explain;
pub mod files;
pub mod filters;
pub mod global;
pub mod layers;
pub mod origin;
pub mod reader;
pub mod secrets;
pub mod section;
mod targets;
pub mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use destinations::DestinationSettings;
pub use files::Paths;
pub use filters::Filters;
pub use global::Global;
pub use layers::{CommandLine, load};
pub use origin::{Origin, RawSection, RawValue, Told};
pub use section::{Dropped, Source};

/// A whole configuration, as it is after all files were read.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// What is the same for all sources.
    pub global: Global,
    /// The sections that can be used, by name.
    pub sources: Vec<Source>,
    /// The sections that cannot.
    pub dropped: Vec<Dropped>,
    /// What there is to say about files and global options, and about sections that are used.
    pub told: Vec<Told>,
    /// The files that were looked at.
    pub read: Vec<files::FileRead>,
    /// The drop folder, where its files were looked for.
    pub folder: Option<PathBuf>,
}

impl Configuration {
    /// The source of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// Whether a source of that name may be meant although it is not among those that can be used: its section is wrong, a
    /// file could not be read, the drop folder is not there (not mounted, say), or nothing is configured at all.
    #[must_use]
    pub fn may_hold(&self, name: &str) -> bool {
        let gone = |file: &files::FileRead| {
            self.folder.as_ref() == Some(&file.path)
                && file.outcome == files::Outcome::Skipped(files::NOT_THERE)
        };
        self.dropped.iter().any(|dropped| dropped.name == name)
            || self
                .read
                .iter()
                .any(|file| matches!(file.outcome, files::Outcome::Failed(_)) || gone(file))
            || self
                .sources
                .iter()
                .any(|source| source.origin == Origin::BuiltIn)
    }

    /// Why a program that runs with `old` must not take this configuration over: what could be read before and has vanished
    /// or cannot be read now would pass for deleted, and its sources would be retired on their servers. `None` when there is
    /// nothing like that.
    #[must_use]
    pub fn refusal(&self, old: &Self) -> Option<String> {
        let mut why: Vec<String> = Vec::new();
        for file in &self.read {
            let shown = file.path.display();
            let known = old.gave_something(&file.path) || old.held_sections(&file.path);
            match &file.outcome {
                // What could not be read before either gives no cause to hold the rest up, while there is a rest.
                files::Outcome::Failed(reason) if known || self.sources.is_empty() => {
                    why.push(format!("{shown}: {reason}"));
                }
                // A folder that is not mounted at present, say; a folder without files would be there.
                files::Outcome::Skipped(files::NOT_THERE) if old.held_sections(&file.path) => {
                    why.push(format!("{shown} has vanished with all its files"));
                }
                files::Outcome::Skipped(files::NOT_THERE) if old.held_sources(&file.path) => why
                    .push(format!(
                        "{shown} has vanished with its sources; an empty file says that they are to go"
                    )),
                _ => {}
            }
        }
        if let Some(folder) = &self.folder
            && old.held_sections(folder)
            && !self.read.iter().any(|file| {
                file.path == *folder
                    || (file.path.parent() == Some(folder)
                        && !matches!(file.outcome, files::Outcome::Skipped(_)))
            })
        {
            why.push(format!(
                "{} holds no file any more; an empty .conf file there says that all its sources are to go",
                folder.display()
            ));
        }
        (!why.is_empty()).then(|| why.join("; "))
    }

    /// The file could be read.
    fn gave_something(&self, path: &Path) -> bool {
        self.read.iter().any(|file| {
            file.path == path
                && matches!(
                    file.outcome,
                    files::Outcome::Sections(_) | files::Outcome::Variables(_)
                )
        })
    }

    /// A file of this folder had sections.
    fn held_sections(&self, folder: &Path) -> bool {
        self.read.iter().any(|file| {
            file.path.parent() == Some(folder)
                && matches!(&file.outcome, files::Outcome::Sections(names) if !names.is_empty())
        })
    }

    /// The file had sections that are sources.
    fn held_sources(&self, path: &Path) -> bool {
        let source = |name: &String| !layers::SPECIAL.contains(&name.as_str());
        self.read.iter().any(|file| {
            file.path == path
                && matches!(&file.outcome, files::Outcome::Sections(names) if names.iter().any(source))
        })
    }

    /// The configuration for a program that runs with `old`: sources that a mistake has taken away go on as they were.
    #[must_use]
    pub fn keeping(mut self, old: &Self) -> Self {
        let kept: Vec<Source> = old
            .sources
            .iter()
            .filter(|source| self.source(&source.name).is_none() && self.may_hold(&source.name))
            .cloned()
            .collect();
        for source in kept {
            tracing::warn!(
                "Configuration \"{}\" cannot be used as it is now; it goes on as it was",
                source.name
            );
            self.sources.push(source);
        }
        self.sources.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }
}

/// The environment as far as it matters, names as they are.
pub type Environment = BTreeMap<String, String>;
