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
}

impl Configuration {
    /// The source of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// Whether a source of that name may be meant although it is not among those that can be used: its section is wrong, or a
    /// file could not be read.
    #[must_use]
    pub fn may_hold(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped.name == name)
            || self
                .read
                .iter()
                .any(|file| matches!(file.outcome, files::Outcome::Failed(_)))
    }

    /// Why a program that runs with `old` must not take this configuration over: what could not be read would pass for
    /// deleted, and its sources would be retired on their servers. `None` when everything was read.
    #[must_use]
    pub fn refusal(&self, old: &Self) -> Option<String> {
        let mut why: Vec<String> = Vec::new();
        for file in &self.read {
            let shown = file.path.display();
            match &file.outcome {
                files::Outcome::Failed(reason) => why.push(format!("{shown}: {reason}")),
                // A folder that is not mounted at present, say; a folder without files would be there.
                files::Outcome::Skipped(files::NOT_THERE)
                    if old.read.iter().any(|before| {
                        before.path.parent() == Some(&*file.path)
                            && matches!(before.outcome, files::Outcome::Sections(_))
                    }) =>
                {
                    why.push(format!("{shown} has vanished with all its files"));
                }
                _ => {}
            }
        }
        (!why.is_empty()).then(|| why.join("; "))
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
