//! Everything that can go wrong with content, each with the names that a person needs to act on it.

use airlock_model::{ErrorKind, VersionSelectorError};

use crate::pack::PackError;

/// A failure of the content domain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No living channel of that label may be seen by the caller.
    #[error("there is no channel {label}")]
    NoChannel {
        /// The label asked for.
        label: String,
    },
    /// The channel has no such version.
    #[error("channel {label} has no version {wanted}{}", nearest.as_ref().map(|n| format!("; the nearest is {n}")).unwrap_or_default())]
    NoVersion {
        /// The channel.
        label: String,
        /// What was asked for.
        wanted: String,
        /// The nearest version, for a person: `1 (2026-06-01T02:00:00Z)`.
        nearest: Option<String>,
    },
    /// A source of a clone had no content at that instant.
    #[error("channel {label} has no version {wanted}; its first one is {first}")]
    BeforeFirst {
        /// The channel.
        label: String,
        /// What was asked for.
        wanted: String,
        /// Its first version, for a person: `1 (2026-06-01T02:00:00Z)`.
        first: String,
    },
    /// The text behind `@` is no version.
    #[error(transparent)]
    Selector(#[from] VersionSelectorError),
    /// Nothing is served at that path of a repository.
    #[error("{label} has no file {path}")]
    NoFile {
        /// `LABEL` or `LABEL@N`.
        label: String,
        /// The path below it.
        path: String,
    },
    /// A request that cannot be carried out as it stands.
    #[error("{what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The request does not fit the present state.
    #[error("{what}")]
    Conflict {
        /// What stands against it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// Another change of the same channel came first.
    #[error("channel {label} was changed by somebody else meanwhile; nothing was done")]
    Overtaken {
        /// The channel.
        label: String,
    },
    /// A channel's gate does not let a version through.
    #[error(transparent)]
    Held(Box<crate::Held>),
    /// The upstream cannot be reached or answers wrongly.
    #[error(transparent)]
    Fetch(#[from] airlock_fetch::Error),
    /// An upstream's metadata is not what it should be.
    #[error("{upstream}: {source}")]
    Metadata {
        /// Which upstream.
        upstream: String,
        /// What is wrong, with file and line.
        source: airlock_repodata::Error,
    },
    /// The upstream's files do not belong together.
    #[error("{upstream}: {source}")]
    Ingest {
        /// Which upstream.
        upstream: String,
        /// What does not fit.
        source: PackError,
    },
    /// A repository without a needed part, or half-updated.
    #[error("{upstream}: {why}")]
    BadUpstream {
        /// Which upstream.
        upstream: String,
        /// What is wrong.
        why: String,
    },
    /// A package file that is not what it should be.
    #[error("{file}: {why}")]
    BadPackage {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A package that a client asked for, and that is not served because it is refused.
    #[error("{file} is not served: {why}")]
    NotServed {
        /// The file.
        file: String,
        /// Why it is refused.
        why: String,
    },
    /// A pack in the store is damaged.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The dependencies of packages cannot be looked at.
    #[error(transparent)]
    Dependencies(#[from] airlock_solve::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] airlock_db::Error),
    /// The blob store failed.
    #[error(transparent)]
    Blob(#[from] airlock_blob::Error),
    /// A file of the server could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// Which file, or what was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Stored data does not fit together.
    #[error("stored data is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// Not enough space.
    #[error("{what} needs {need} bytes, {have} are free and {reserve} are kept free (--min-free)")]
    NoSpace {
        /// What wanted it.
        what: String,
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        have: u64,
        /// Bytes that must stay free.
        reserve: u64,
    },
    /// A download began anew and other bytes came than those that a client already has.
    #[error("the upstream's file changed while it was on its way to the client")]
    RestartedDifferently,
    /// The failure of work that several were waiting for.
    #[error(transparent)]
    Shared(std::sync::Arc<Error>),
    /// The work was cancelled.
    #[error("cancelled on request; nothing was changed")]
    Cancelled,
    /// A part of the program failed.
    #[error("{what} failed unexpectedly")]
    Internal {
        /// Which part.
        what: String,
    },
}

/// Result of the content domain.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The kind that faces translate.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.cause() {
            full if full.is_full() => ErrorKind::Exhausted,
            Self::NoChannel { .. }
            | Self::NoVersion { .. }
            | Self::BeforeFirst { .. }
            | Self::NoFile { .. } => ErrorKind::NotFound,
            Self::Selector(_) | Self::Invalid { .. } | Self::BadPackage { .. } => {
                ErrorKind::Invalid
            }
            Self::Conflict { .. } | Self::Held(_) => ErrorKind::Conflict,
            Self::Overtaken { .. } => ErrorKind::Busy,
            Self::Fetch(_)
            | Self::Metadata { .. }
            | Self::Ingest { .. }
            | Self::BadUpstream { .. }
            | Self::NotServed { .. }
            | Self::RestartedDifferently => ErrorKind::Upstream,
            Self::Dependencies(airlock_solve::Error::Full { .. }) => ErrorKind::Exhausted,
            Self::Pack(_) | Self::Damaged { .. } | Self::Dependencies(_) => ErrorKind::Corrupt,
            Self::NoSpace { .. } => ErrorKind::Exhausted,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Database(_)
            | Self::Blob(_)
            | Self::Io { .. }
            | Self::Internal { .. }
            | Self::Shared(_) => ErrorKind::Internal,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self.cause() {
            Self::NoSpace { .. } => "free space, or run airlock gc, or lower --min-free".to_owned(),
            full if full.is_full() => {
                "the disk is full: free space, or run airlock gc, and try again"
                    .to_owned()
            }
            Self::NoChannel { .. } => "airlock channel list shows the channels".to_owned(),
            Self::NoVersion { label, wanted, nearest: None } if wanted.starts_with("yet") => {
                format!("airlock channel sync {label} or airlock channel push {label} FILE… gives it content")
            }
            Self::NoVersion { label, .. } => format!("airlock channel versions {label} shows them"),
            Self::BeforeFirst { .. } => {
                "give that instant or a later one, or --infer: the content is then inferred from errata dates".to_owned()
            }
            Self::Invalid { hint, .. } | Self::Conflict { hint, .. } => {
                if hint.is_empty() {
                    return None;
                }
                (*hint).to_owned()
            }
            Self::Held(held) => held.hint(),
            Self::Overtaken { .. } => "look at the channel and run the command again".to_owned(),
            Self::Metadata { .. } | Self::Ingest { .. } | Self::BadUpstream { .. } => {
                "the last version stays served; the upstream may be in the middle of an update: sync again later".to_owned()
            }
            Self::NotServed { .. } => {
                "with --policy on-demand and metadata-only a package is judged when it is asked for first: airlock channel set LABEL --gpg-key adds a key, --signatures warn takes any".to_owned()
            }
            Self::Pack(_) | Self::Damaged { .. } => "airlock fsck --deep says what is damaged".to_owned(),
            _ => return None,
        })
    }

    /// The failure itself, where several were waiting for the same work.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Shared(error) => error.cause(),
            error => error,
        }
    }

    /// Whether the reason is a disk without room, the store's or the database's.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full = |source: &std::io::Error| {
            matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::FileTooLarge
            )
        };
        match self.cause() {
            Self::Fetch(airlock_fetch::Error::NoSpace { .. }) | Self::NoSpace { .. } => true,
            Self::Database(error) => error.is_full(),
            Self::Blob(error) => error.is_full(),
            Self::Io { source, .. }
            | Self::Pack(PackError::Io { source, .. })
            | Self::Ingest {
                source: PackError::Io { source, .. },
                ..
            } => full(source),
            _ => false,
        }
    }

    pub(crate) fn no_channel(label: &impl ToString) -> Self {
        Self::NoChannel {
            label: label.to_string(),
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, hint: &'static str) -> Self {
        Self::Invalid {
            what: what.into(),
            hint,
        }
    }

    pub(crate) fn conflict(what: impl Into<String>, hint: &'static str) -> Self {
        Self::Conflict {
            what: what.into(),
            hint,
        }
    }

    pub(crate) fn metadata(upstream: &str, source: airlock_repodata::Error) -> Self {
        Self::Metadata {
            upstream: upstream.to_owned(),
            source,
        }
    }

    pub(crate) fn ingest(upstream: &str, source: PackError) -> Self {
        Self::Ingest {
            upstream: upstream.to_owned(),
            source,
        }
    }

    pub(crate) fn bad_upstream(upstream: &str, why: impl Into<String>) -> Self {
        Self::BadUpstream {
            upstream: upstream.to_owned(),
            why: why.into(),
        }
    }

    pub(crate) fn package_checksum(upstream: &str, name: &str, kind: &str, value: &str) -> Self {
        let value: String = value.chars().take(140).collect();
        Self::bad_upstream(
            upstream,
            format!("package {name} has the checksum {kind}:{value}, which is none"),
        )
    }

    pub(crate) fn bad_package(file: impl Into<String>, why: impl ToString) -> Self {
        Self::BadPackage {
            file: file.into(),
            why: why.to_string(),
        }
    }

    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }

    pub(crate) fn write_metadata(source: std::io::Error) -> Self {
        Self::io("writing metadata", source)
    }

    pub(crate) fn unknown_checksum(kind: &str) -> Self {
        Self::invalid(
            format!("unknown checksum type {kind}"),
            "sha256, sha384, sha512, or sha1 for EL 5 clients",
        )
    }

    pub(crate) fn fragment_without_location(nevra: String) -> Self {
        Self::Damaged {
            what: format!("the stored metadata of {nevra} has no place for its location"),
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(crate) fn worker_panicked(what: &str) -> Self {
        Self::Internal {
            what: what.to_owned(),
        }
    }
}
