//! Plans that are taken back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelLabel, Plan};

/// A plan that is to be taken back: what it was known by, and what its channels held when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndonePlan {
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The channels that it changed.
    pub channels: Vec<UndoneChannel>,
}

/// A channel of a plan that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoneChannel {
    /// The channel.
    pub channel: ChannelLabel,
    /// Digest of its content when the plan was made (`destination.digest`); none when it had no content.
    #[serde(default)]
    pub before: Option<String>,
}

impl UndonePlan {
    /// What is asked to take a plan back.
    #[must_use]
    pub fn new(plan: &Plan, digest: String) -> Self {
        let changed = plan.channels.iter().filter(|one| one.changes_anything());
        Self {
            digest,
            channels: changed
                .map(|one| UndoneChannel {
                    channel: one.destination.label.clone(),
                    before: one.destination.digest.clone(),
                })
                .collect(),
        }
    }

    /// The plan in messages: `plan` and the beginning of its digest.
    #[must_use]
    pub fn called(&self) -> String {
        let short: String = self.digest.chars().take(12).collect();
        format!("plan {short}")
    }
}
