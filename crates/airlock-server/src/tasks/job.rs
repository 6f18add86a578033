//! What a task does, as stored in its row. Never holds a secret.

use std::path::PathBuf;

use airlock_model::{ChannelLabel, CloneRequest, UndonePlan};
use serde::{Deserialize, Serialize};

/// A kind of work with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Bring upstreams' present state here.
    Sync {
        /// The channels.
        labels: Vec<ChannelLabel>,
        /// Take what the shrink guard would hold.
        accept_shrink: bool,
        /// Switch all of them at once.
        together: bool,
    },
    /// Put uploaded files into a channel.
    Push {
        /// The channel.
        label: ChannelLabel,
        /// The files, in a staging folder of their own.
        files: Vec<Staged>,
    },
    /// Add packages and errata.
    Add {
        /// The channel.
        label: ChannelLabel,
        /// NEVRAs and advisories.
        items: Vec<String>,
        /// Where to look for them.
        from: Option<ChannelLabel>,
        /// What they need comes along.
        #[serde(default)]
        with_dependencies: bool,
    },
    /// Remove packages and errata.
    Remove {
        /// The channel.
        label: ChannelLabel,
        /// NEVRAs and advisories.
        items: Vec<String>,
    },
    /// Make an older version's content current.
    Rollback {
        /// The channel.
        label: ChannelLabel,
        /// Number or instant.
        version: String,
        /// Children too.
        tree: bool,
    },
    /// Make a channel what another one is.
    Promote {
        /// From.
        source: ChannelLabel,
        /// Its version.
        version: Option<String>,
        /// To.
        label: ChannelLabel,
        /// Children too.
        tree: bool,
    },
    /// Bring every package file of a version here.
    Fetch {
        /// The channel.
        label: ChannelLabel,
        /// Its version.
        version: Option<String>,
    },
    /// Say which packages of a version cannot be installed.
    Check {
        /// The channel.
        label: ChannelLabel,
        /// Its version.
        version: Option<String>,
        /// Channels beside it, each perhaps with a version.
        with: Vec<String>,
        /// A channel, perhaps with a version, to compare with.
        baseline: Option<String>,
    },
    /// Plan a clone by date.
    Plan {
        /// What is asked for.
        request: Box<CloneRequest>,
    },
    /// Apply a plan.
    Clone {
        /// Digest of the plan, whose bytes are in the store.
        digest: String,
        /// The channels that it makes or changes.
        labels: Vec<ChannelLabel>,
        /// Plan again when channels have moved on.
        rebase: bool,
    },
    /// Take applied plans back.
    Undo {
        /// The plans.
        plans: Vec<UndonePlan>,
        /// Only say what would be done.
        dry_run: bool,
    },
    /// Check everything.
    Fsck {
        /// Hash every blob.
        deep: bool,
        /// Mend.
        repair: bool,
    },
    /// Remove what nothing needs.
    Gc {
        /// Younger ones stay.
        grace_seconds: i64,
    },
    /// Copy everything.
    Backup {
        /// To where.
        directory: PathBuf,
    },
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
}

impl Job {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sync { .. } => "sync",
            Self::Push { .. } => "push",
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Rollback { .. } => "rollback",
            Self::Promote { .. } => "promote",
            Self::Fetch { .. } => "fetch",
            Self::Check { .. } => "check",
            Self::Plan { .. } => "plan",
            Self::Clone { .. } => "clone",
            Self::Undo { .. } => "undo",
            Self::Fsck { .. } => "fsck",
            Self::Gc { .. } => "gc",
            Self::Backup { .. } => "backup",
        }
    }

    /// What it works on, for a person.
    #[must_use]
    pub fn subject(&self) -> String {
        let at = |label: &ChannelLabel, version: Option<&str>| {
            version.map_or_else(|| label.to_string(), |version| format!("{label}@{version}"))
        };
        match self {
            Self::Sync { labels, .. } | Self::Clone { labels, .. } => few(labels.iter()),
            Self::Undo { plans, .. } => few(labels_of(plans).into_iter()),
            Self::Plan { request } => few(request.channels.iter().map(|pair| &pair.destination)),
            Self::Push { label, files } => format!("{label} ({} files)", files.len()),
            Self::Add { label, .. } | Self::Remove { label, .. } => label.to_string(),
            Self::Rollback { label, version, .. } => at(label, Some(version)),
            Self::Promote {
                source,
                version,
                label,
                ..
            } => format!("{} → {label}", at(source, version.as_deref())),
            Self::Fetch { label, version } | Self::Check { label, version, .. } => {
                at(label, version.as_deref())
            }
            Self::Fsck { deep, .. } => if *deep {
                "everything, deep"
            } else {
                "everything"
            }
            .to_owned(),
            Self::Gc { .. } => "everything".to_owned(),
            Self::Backup { directory } => directory.display().to_string(),
        }
    }

    /// Jobs with the same key run one after the other. Several channels at once have a key of their own; if such a job
    /// meets another one on a channel, the domain lets the second one notice and it is done again.
    #[must_use]
    pub fn lock_key(&self) -> String {
        match self {
            Self::Sync { labels, .. } | Self::Clone { labels, .. } => match labels.as_slice() {
                [one] => format!("channel:{one}"),
                _ => "channels".to_owned(),
            },
            Self::Undo { plans, .. } => match labels_of(plans).as_slice() {
                [one] => format!("channel:{one}"),
                _ => "channels".to_owned(),
            },
            // It changes nothing, and needs memory for two whole trees.
            Self::Plan { .. } => "plan".to_owned(),
            Self::Push { label, .. }
            | Self::Add { label, .. }
            | Self::Remove { label, .. }
            | Self::Rollback { label, .. }
            | Self::Promote { label, .. }
            | Self::Fetch { label, .. } => format!("channel:{label}"),
            // It changes nothing, so it waits for nobody; two at once would only take the memory twice.
            Self::Check { .. } => "check".to_owned(),
            Self::Fsck { .. } | Self::Gc { .. } | Self::Backup { .. } => "upkeep".to_owned(),
        }
    }
}

/// The channels of plans, each once.
fn labels_of(plans: &[UndonePlan]) -> Vec<&ChannelLabel> {
    let all = plans.iter().flat_map(|plan| &plan.channels);
    let mut labels: Vec<&ChannelLabel> = Vec::new();
    for one in all {
        if !labels.contains(&&one.channel) {
            labels.push(&one.channel);
        }
    }
    labels
}

/// Up to three labels, and how many more there are.
fn few<'a>(labels: impl ExactSizeIterator<Item = &'a ChannelLabel>) -> String {
    const SHOWN: usize = 3;
    let more = labels.len().saturating_sub(SHOWN);
    let mut text = labels
        .take(SHOWN)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use airlock_model::ClonePair;

    use super::*;

    #[test]
    fn jobs_survive_storage() {
        let label = ChannelLabel::new("el9-base").unwrap();
        let jobs = [
            Job::Sync {
                labels: vec![label.clone(); 5],
                accept_shrink: true,
                together: false,
            },
            Job::Push {
                label: label.clone(),
                files: vec![Staged {
                    path: "/x/0".into(),
                    name: "a.rpm".into(),
                }],
            },
            Job::Promote {
                source: label.clone(),
                version: Some("7".into()),
                label: label.clone(),
                tree: true,
            },
            Job::Check {
                label: label.clone(),
                version: Some("2026-06-01".into()),
                with: vec!["el9-extra@3".into()],
                baseline: None,
            },
            Job::Gc { grace_seconds: 5 },
            Job::Plan {
                request: Box::new(CloneRequest {
                    channels: vec![ClonePair {
                        source: label.clone(),
                        destination: ChannelLabel::new("el9-2026q1").unwrap(),
                        name: None,
                        summary: None,
                        description: None,
                    }],
                    to_date: Some(jiff::civil::date(2026, 3, 31)),
                    ..CloneRequest::default()
                }),
            },
            Job::Clone {
                digest: "ab".repeat(32),
                labels: vec![label],
                rebase: true,
            },
        ];
        let subjects: Vec<String> = jobs.iter().map(Job::subject).collect();
        assert_eq!(
            subjects,
            [
                "el9-base el9-base el9-base and 2 more",
                "el9-base (1 files)",
                "el9-base@7 → el9-base",
                "el9-base@2026-06-01",
                "everything",
                "el9-2026q1",
                "el9-base"
            ]
        );
        for job in jobs {
            let text = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        }
    }
}
