//! Clone by date: a tree of channels as it was on a day or at an instant, closed under dependencies, with a reason for
//! every package.
//!
//! Planning reads and computes, and changes nothing. A plan is a document ([`document`]); applying it makes all its
//! channels and versions in one transaction. The rules are those of the reference clone-by-date, section 13.

mod advisory;
mod apply;
mod close;
mod decide;
mod document;
mod gather;
mod judge;
mod modules;
mod plan;
mod question;
mod rules;
mod select;
#[cfg(test)]
mod tests;
mod tree;

use airlock_model::Plan;

use crate::{Content, Error, Result};

pub use document::{LARGEST_PLAN, read_plan, write_plan};

impl Content {
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
