//! Gates: a channel whose gate is on gets no version with packages that cannot be installed. Whatever makes a version
//! (sync, push, edit, promotion, rollback) comes through here on its way to the switch.

use std::fmt;
use std::sync::Arc;

use airlock_model::{
    Channel, ChannelId, ChannelLabel, CheckReport, Gate, SyncOutcome, SyncState, TaskId,
    VersionKind, VersionNumber,
};

use crate::check::{Member, Scope};
use crate::commit::{PendingVersion, VersionContent};
use crate::context::TaskContext;
use crate::{Content, Error, Result};

/// Packages named in an error.
const SHOWN: usize = 3;

/// Versions that were not published, for their channels' gates held them.
#[derive(Debug)]
pub struct Held {
    /// What was found in each held version; its channel is named without a number, since it got none.
    pub reports: Vec<CheckReport>,
    /// The task that made them.
    pub task: Option<TaskId>,
}

impl std::error::Error for Held {}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.reports.iter().map(told).collect();
        out.write_str(&texts.join("\n"))
    }
}

/// What a gate found, with the first few packages.
fn told(report: &CheckReport) -> String {
    let new = report.newly_broken;
    let packages = if new == 1 { "package" } else { "packages" };
    let mut text = format!(
        "{} is held by its gate: {new} {packages} cannot be installed",
        report.channel
    );
    if let Some(baseline) = &report.baseline {
        text.push_str(" beside what is broken in ");
        text.push_str(baseline);
    }
    let counted = report.broken.iter().filter(|package| !package.in_baseline);
    for package in counted.take(SHOWN) {
        let line = package.problem.lines().next();
        text.push_str("\n  ");
        text.push_str(line.unwrap_or(&package.nevra));
    }
    if let Some(more) = new.checked_sub(SHOWN as u64).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

impl Held {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        let label = self.reports.first().map(|report| report.channel.as_str());
        self.hint_for(label.unwrap_or("LABEL"))
    }

    fn hint_for(&self, label: &str) -> String {
        let off = format!("airlock channel set {label} --gate off lets it through");
        match self.task {
            Some(task) => format!("airlock task show {task} names all of them; {off}"),
            None => off,
        }
    }

    /// Says in a channel's outcome that its gate held the version, or that of another channel of the tree.
    pub(crate) fn tell(&self, outcome: &mut SyncOutcome) {
        let label = outcome.channel.as_str();
        let own = self.reports.iter().find(|report| report.channel == label);
        outcome.error = Some(match own {
            Some(report) => format!("{}\nhint: {}", told(report), self.hint_for(label)),
            None => {
                "the tree is switched at once, and another channel is held by its gate".to_owned()
            }
        });
        outcome.gate = own.cloned();
        outcome.state = SyncState::Held;
    }
}

/// A channel whose content a gate relied on: it has to be the same at the switch.
#[derive(Debug, Clone)]
pub(crate) struct Relied {
    pub channel: ChannelId,
    pub label: ChannelLabel,
    pub current: Option<VersionNumber>,
}

impl Content {
    /// Checks the versions whose channels have a gate, each with its base channel as it will be after the switch.
    ///
    /// # Errors
    /// [`Error::Held`] with everything that is broken.
    pub(crate) async fn pass_gates(
        &self,
        ctx: &TaskContext,
        versions: &[PendingVersion],
    ) -> Result<Vec<Relied>> {
        let mut relied = Vec::new();
        let mut reports = Vec::new();
        for version in versions {
            let Some(channel) =
                airlock_db::channels::find_by_id(self.db(), version.channel).await?
            else {
                continue;
            };
            // The first version is what later ones are compared with.
            let first = version.expected.is_none();
            if channel.gate == Gate::Off || (channel.gate == Gate::NewlyBroken && first) {
                continue;
            }
            let parent = match &channel.parent {
                Some(label) => Some(self.channel(channel.org, label).await?),
                None => None,
            };
            let mut beside = Vec::new();
            if let Some(parent) = &parent {
                match versions.iter().find(|version| version.channel == parent.id) {
                    Some(pending) => beside.push(waiting(pending)),
                    None => {
                        beside.extend(self.present(parent).await?);
                        relied.push(Relied {
                            channel: parent.id,
                            label: parent.label.clone(),
                            current: parent.current,
                        });
                    }
                }
            }
            let scope = Scope {
                judged: waiting(version),
                beside,
            };
            let baseline = match channel.gate {
                Gate::NewlyBroken => self.before(&channel, parent.as_ref()).await?,
                Gate::Broken | Gate::Off => None,
            };
            let report = self.judge(ctx, scope, baseline).await?.report;
            if report.newly_broken > 0 {
                reports.push(report);
            }
        }
        let is_clone = |version: &&PendingVersion| version.kind == VersionKind::Clone;
        for version in versions.iter().filter(is_clone) {
            reports.extend(
                self.ask_children(ctx, version, versions, &mut relied)
                    .await?,
            );
        }
        match reports.is_empty() {
            true => Ok(relied),
            false => Err(Error::Held(Box::new(Held {
                reports,
                task: ctx.task,
            }))),
        }
    }

    /// Asks the gates of a cloned base channel's children that stay as they are: whatever kind they are of, they hold what
    /// breaks a package that can be installed now. Who clones chooses what goes; an upstream that takes something away is
    /// followed.
    async fn ask_children(
        &self,
        ctx: &TaskContext,
        base: &PendingVersion,
        versions: &[PendingVersion],
        relied: &mut Vec<Relied>,
    ) -> Result<Vec<CheckReport>> {
        let mut held = Vec::new();
        for label in airlock_db::channels::children(self.db(), base.channel).await? {
            if versions.iter().any(|version| version.label == label) {
                continue;
            }
            let Some(child) = airlock_db::channels::find_live(self.db(), &label).await? else {
                continue;
            };
            let Some(judged) = self
                .present(&child)
                .await?
                .filter(|_| child.gate != Gate::Off)
            else {
                continue;
            };
            let parent = self.channel(child.org, &base.label).await?;
            let before = self.before(&child, Some(&parent)).await?;
            let scope = Scope {
                judged: Member {
                    number: None,
                    ..judged
                },
                beside: vec![waiting(base)],
            };
            let report = self.judge(ctx, scope, before).await?.report;
            relied.push(Relied {
                channel: child.id,
                label: child.label.clone(),
                current: child.current,
            });
            if report.newly_broken > 0 {
                held.push(report);
            }
        }
        Ok(held)
    }

    /// A channel and its base channel as they are now.
    pub(crate) async fn before(
        &self,
        channel: &Channel,
        parent: Option<&Channel>,
    ) -> Result<Option<Scope>> {
        let Some(judged) = self.present(channel).await? else {
            return Ok(None);
        };
        let beside = match parent {
            Some(parent) => self.present(parent).await?,
            None => None,
        };
        Ok(Some(Scope {
            judged,
            beside: beside.into_iter().collect(),
        }))
    }

    pub(crate) async fn present(&self, channel: &Channel) -> Result<Option<Member>> {
        let Some(number) = channel.current else {
            return Ok(None);
        };
        let content = self.version_content(channel, number).await?;
        Ok(Some(Member {
            channel: channel.id,
            label: channel.label.clone(),
            number: Some(number),
            content: Arc::new(content),
        }))
    }
}

/// A version that waits for the switch.
fn waiting(version: &PendingVersion) -> Member {
    Member {
        channel: version.channel,
        label: version.label.clone(),
        number: None,
        content: Arc::new(VersionContent {
            errata: roaring::RoaringTreemap::new(),
            ..version.content.clone()
        }),
    }
}
