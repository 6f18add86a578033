//! The plan made last, in memory for some minutes: asking again why something is there costs no planning.
//!
//! A plan is taken from here only when everything that planning reads is as it was: the request, the channels of its
//! tree with their versions, and the errata, whose names count as taken.

use std::sync::{Arc, Mutex, PoisonError};

use airlock_model::{Channel, CloneRequest, Instant, OrgId, Plan};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::tree::Tree;
use crate::{Content, Error, Result};

/// How long a plan stays after it was last asked for, in microseconds: five minutes.
const STAYS: i64 = 5 * 60 * 1_000_000;

/// A plan with what it was made of.
#[derive(Debug)]
struct Last {
    /// What it was made of; none when it was read from the store.
    stamp: Option<String>,
    digest: String,
    plan: Arc<Plan>,
    used: Instant,
}

/// The plan made or read last.
#[derive(Debug, Default)]
pub(crate) struct LastPlan(Mutex<Option<Last>>);

impl LastPlan {
    fn keep(&self, stamp: Option<String>, digest: &str, plan: &Arc<Plan>, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last {
            stamp,
            digest: digest.to_owned(),
            plan: Arc::clone(plan),
            used: now,
        });
    }

    fn find(&self, now: Instant, fits: impl Fn(&Last) -> bool) -> Option<(Arc<Plan>, String)> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_mut().filter(|last| fits(last))?;
        last.used = now;
        Some((Arc::clone(&last.plan), last.digest.clone()))
    }

    /// Whether there is one that nobody asked for lately.
    fn is_stale(&self, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not keep it for ever.
        last.as_ref()
            .is_some_and(|last| (now.0 - last.used.0).abs() >= STAYS)
    }

    /// Gives the memory back.
    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// All that a plan depends on, besides the settings, which do not change while the server runs.
#[derive(Serialize)]
struct MadeOf<'a> {
    org: OrgId,
    request: &'a CloneRequest,
    /// The channels with how many versions each has: versions are never taken away.
    channels: Vec<(&'a Channel, u64)>,
    /// The newest erratum of all.
    erratum: i64,
}

impl Content {
    /// What a request's plan would be made of now.
    pub(super) async fn plan_stamp(
        &self,
        org: OrgId,
        request: &CloneRequest,
        tree: &Tree,
    ) -> Result<String> {
        let mut all: Vec<&Channel> = Vec::new();
        for pair in &tree.pairs {
            all.push(&pair.source);
            all.extend(&pair.destination);
        }
        all.extend(&tree.parent);
        all.extend(&tree.source_parent);
        let mut children = Vec::new();
        for base in tree
            .pairs
            .iter()
            .filter_map(|pair| pair.destination.as_ref())
        {
            let is_destination = |label: &_| tree.pairs.iter().any(|pair| pair.label == *label);
            children.extend(self.other_children(org, base, is_destination).await?);
        }
        all.extend(&children);
        let mut channels = Vec::new();
        for channel in all {
            let versions = airlock_db::versions::count(self.db(), channel.id).await?;
            channels.push((channel, versions));
        }
        let made_of = MadeOf {
            org,
            request,
            channels,
            erratum: airlock_db::errata_clones::newest(self.db()).await?,
        };
        let bytes = serde_json::to_vec(&made_of)
            .map_err(|error| Error::io("looking for a plan made before", error.into()))?;
        Ok(hex::encode(Sha256::digest(bytes)))
    }

    /// The plan that was made of the same, when it is still in memory and in the store.
    pub(super) fn warm_plan(&self, stamp: &str) -> Result<Option<(Arc<Plan>, String)>> {
        let fits = |last: &Last| last.stamp.as_deref() == Some(stamp);
        let found = self.last_plan().find(self.now(), fits);
        match found {
            Some((plan, digest)) if self.blobs().exists(&digest)? => {
                // Its age counts from now, as that of a plan just made.
                self.blobs().touch(&digest)?;
                Ok(Some((plan, digest)))
            }
            _ => {
                // Another one is about to be made, and two are too much.
                self.last_plan().clear();
                Ok(None)
            }
        }
    }

    pub(super) fn keep_warm(&self, stamp: String, digest: &str, plan: &Arc<Plan>) {
        self.last_plan().keep(Some(stamp), digest, plan, self.now());
    }

    /// The plan of a digest, when it is the one in memory.
    pub(super) fn warm_plan_of(&self, digest: &str) -> Option<Arc<Plan>> {
        let found = self
            .last_plan()
            .find(self.now(), |last| last.digest == digest);
        found.map(|(plan, _)| plan)
    }

    /// Whether [`Content::trim_caches`] would give back a plan that nobody asked for in the last minutes.
    #[must_use]
    pub fn has_stale_plan(&self) -> bool {
        self.last_plan().is_stale(self.now())
    }

    pub(crate) fn drop_stale_plan(&self) {
        if self.has_stale_plan() {
            self.last_plan().clear();
        }
    }

    /// A kept plan, cut down to what explains a name ([`super::about::plan_about`]).
    ///
    /// # Errors
    /// When the plan is not in the store any more.
    pub async fn plan_about(&self, digest: &str, name: String) -> Result<Plan> {
        let plan = match self.warm_plan_of(digest) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(self.kept_plan(digest).await?);
                self.last_plan().keep(None, digest, &plan, self.now());
                plan
            }
        };
        self.blocking("explaining a plan", move |_| {
            Ok(super::about::plan_about(&plan, &name))
        })
        .await
    }
}
