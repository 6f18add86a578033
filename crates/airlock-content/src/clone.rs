//! Clone by date: a tree of channels as it was on a day or at an instant, closed under dependencies, with a reason for
//! every package.
//!
//! Planning reads and computes, and changes nothing. A plan is a document ([`document`]); applying it makes all its
//! channels and versions in one transaction. The rules are those of the reference clone-by-date, section 13.

mod about;
mod advisory;
mod apply;
mod children;
mod close;
mod consistency;
mod decide;
mod describe;
mod document;
mod gather;
mod judge;
mod listing;
mod modules;
mod past;
mod plan;
mod question;
mod rules;
mod select;
mod streams;
#[cfg(test)]
mod tests;
mod tree;
mod undo;
mod updates;
mod warm;

use std::sync::Arc;

use airlock_model::{ChannelLabel, Plan};

use crate::{Content, Error, Result};

pub use about::{meets_by_name, names_package, names_requirement, plan_about, split_nevra};
pub use document::{LARGEST_PLAN, read_plan, read_plan_to_apply, write_plan};
pub use undo::{UndoStep, Undone};
pub(crate) use updates::UpdatesForm;
pub(crate) use warm::LastPlan;

/// A plan that was read and taken into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPlan {
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The channels that it makes or changes.
    pub destinations: Vec<ChannelLabel>,
}

impl Content {
    /// Takes a plan's bytes into the store. Plans are read one at a time, since a large one takes much memory.
    ///
    /// # Errors
    /// When they are no plan of this format (the message names the line and the field), or not as the plan was made.
    pub async fn keep_plan(&self, bytes: Vec<u8>) -> Result<KeptPlan> {
        let turn = self.reading_plan().await;
        self.blocking("keeping a plan", move |content| {
            let _turn = turn;
            let plan = read_plan_to_apply(&bytes)?;
            Ok(KeptPlan {
                digest: content.put_plan(&bytes)?,
                destinations: plan
                    .channels
                    .into_iter()
                    .map(|channel| channel.destination.label)
                    .collect(),
            })
        })
        .await
    }

    /// Writes a plan that was made here into the store; gives it back with its digest.
    async fn keep_made_plan(&self, plan: Plan) -> Result<(Plan, String)> {
        self.blocking("keeping a plan", move |content| {
            let digest = content.put_plan(&write_plan(&plan)?)?;
            Ok((plan, digest))
        })
        .await
    }

    fn put_plan(&self, bytes: &[u8]) -> Result<String> {
        let mut out = self.blobs().writer()?;
        std::io::Write::write_all(&mut out, bytes)
            .map_err(|error| Error::io("keeping a plan", error))?;
        Ok(out.finish(None)?.sha256)
    }

    /// The bytes of a plan that is in the store.
    ///
    /// # Errors
    /// When it is gone: plans that were not applied are kept as long as other unneeded files.
    pub async fn plan_bytes(&self, digest: &str) -> Result<Vec<u8>> {
        let digest = digest.to_owned();
        self.blocking("reading a plan", move |content| content.plan_file(&digest))
            .await
    }

    /// A plan that is in the store.
    async fn kept_plan(&self, digest: &str) -> Result<Plan> {
        let digest = digest.to_owned();
        let turn = self.reading_plan().await;
        self.blocking("reading a plan", move |content| {
            let _turn = turn;
            read_plan(&content.plan_file(&digest)?)
        })
        .await
    }

    /// A plan that is in the store and is about to be applied: its age counts from now.
    async fn take_up_plan(&self, digest: &str) -> Result<Arc<Plan>> {
        let digest = digest.to_owned();
        let turn = self.reading_plan().await;
        let _taking_up = self.taking_up().await;
        let warm = self.warm_plan_of(&digest);
        self.blocking("reading a plan", move |content| {
            let _turn = turn;
            let bytes = match warm {
                Some(plan) if content.blobs().exists(&digest)? => {
                    content.blobs().touch(&digest)?;
                    return Ok(plan);
                }
                _ => content.plan_file(&digest)?,
            };
            content.blobs().touch(&digest)?;
            Ok(Arc::new(read_plan(&bytes)?))
        })
        .await
    }

    fn plan_file(&self, digest: &str) -> Result<Vec<u8>> {
        if !self.blobs().exists(digest)? {
            return Err(Error::conflict(
                "the plan is not kept here any more",
                "plan again, or give the plan's file with --apply FILE",
            ));
        }
        std::fs::read(self.blobs().path(digest)?)
            .map_err(|error| Error::io("reading a plan", error))
    }
}
