//! Clone by date: a tree of channels as it was on a day or at an instant, closed under dependencies, with a reason for
//! every package.
//!
//! Planning reads and computes, and changes nothing. A plan is a document ([`document`]); applying it makes all its
//! channels and versions in one transaction. The rules are those of the reference clone-by-date, section 13.

mod document;

use airlock_model::{CloneOutcome, CloneRequest, Plan, PlanSummary};

use crate::context::TaskContext;
use crate::{Content, Error, Result};

pub use document::{LARGEST_PLAN, read_plan, write_plan};

impl Content {
    /// Plans a clone. Changes nothing but that the plan's bytes are kept in the store under the summary's digest.
    ///
    /// # Errors
    /// When a channel does not exist or the channels are no tree, an advisory is in no source, an expression cannot be
    /// read, the instant lies before the first recorded version, or (`strict`) dependencies reach beyond the date.
    pub async fn plan_clone(
        &self,
        _ctx: &TaskContext,
        _request: &CloneRequest,
    ) -> Result<PlanSummary> {
        Err(Error::worker_panicked("planning"))
    }

    /// Applies a plan whose bytes are in the store: makes channels that do not exist and one version of each channel
    /// that changes, all in one transaction. With `rebase` the plan's request is planned again when source or
    /// destination have moved on.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming what changed since the plan was made.
    pub async fn apply_plan(
        &self,
        _ctx: &TaskContext,
        _digest: &str,
        _rebase: bool,
    ) -> Result<CloneOutcome> {
        Err(Error::worker_panicked("applying a plan"))
    }

    /// Takes a plan's bytes into the store and returns their SHA-256.
    ///
    /// # Errors
    /// When they are no plan of this format; the message names the line and the field.
    pub async fn keep_plan(&self, bytes: Vec<u8>) -> Result<String> {
        self.blocking("keeping a plan", move |content| {
            read_plan(&bytes)?;
            let mut out = content.blobs().writer()?;
            std::io::Write::write_all(&mut out, &bytes)
                .map_err(|error| Error::io("keeping a plan", error))?;
            Ok(out.finish(None)?.sha256)
        })
        .await
    }

    /// The bytes of a plan that is in the store.
    ///
    /// # Errors
    /// When it is gone: plans that were not applied are kept as long as other unneeded files.
    pub async fn plan_bytes(&self, digest: &str) -> Result<Vec<u8>> {
        let digest = digest.to_owned();
        self.blocking("reading a plan", move |content| {
            if !content.blobs().exists(&digest)? {
                return Err(Error::conflict(
                    "the plan is not kept here any more",
                    "plan again, or give the plan's file with --apply FILE",
                ));
            }
            std::fs::read(content.blobs().path(&digest)?)
                .map_err(|error| Error::io("reading a plan", error))
        })
        .await
    }

    /// A plan that is in the store.
    ///
    /// # Errors
    /// As [`Self::plan_bytes`].
    pub async fn stored_plan(&self, digest: &str) -> Result<Plan> {
        read_plan(&self.plan_bytes(digest).await?)
    }
}
