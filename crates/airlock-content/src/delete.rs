//! Deleting channels, and taking that back for seven days.

use airlock_db::audit;
use airlock_model::{Actor, Channel, ChannelLabel, DeletePreview, OrgId};

use crate::{Content, Error, Result};

/// Days in which a deletion can be undone.
pub const UNDO_DAYS: u32 = 7;

impl Content {
    /// What deleting a channel would take away.
    ///
    /// # Errors
    /// [`Error::NoChannel`].
    pub async fn delete_preview(&self, org: OrgId, label: &ChannelLabel) -> Result<DeletePreview> {
        let channel = self.channel(org, label).await?;
        Ok(DeletePreview {
            channel: label.clone(),
            versions: airlock_db::versions::count(self.db(), channel.id).await?,
            children: airlock_db::channels::children(self.db(), channel.id).await?,
            clones: airlock_db::channels::clones(self.db(), channel.id).await?,
            undo_days: UNDO_DAYS,
        })
    }

    /// Deletes a channel. It is not served any more; its content is kept for seven days.
    ///
    /// # Errors
    /// `Conflict` while it has children or clones.
    pub async fn delete_channel(
        &self,
        actor: &Actor,
        label: &ChannelLabel,
    ) -> Result<DeletePreview> {
        let preview = self.delete_preview(actor.org, label).await?;
        let names = |list: &[ChannelLabel]| {
            list.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        if !preview.children.is_empty() {
            return Err(Error::conflict(
                format!("channel {label} has children: {}", names(&preview.children)),
                "delete the children first, or give them another parent",
            ));
        }
        if !preview.clones.is_empty() {
            return Err(Error::conflict(
                format!("channel {label} has clones: {}", names(&preview.clones)),
                "delete the clones first",
            ));
        }
        let channel = self.channel(actor.org, label).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        airlock_db::channels::mark_deleted(&mut tx, channel.id, now).await?;
        audit::append(
            &mut tx,
            actor,
            now,
            "delete",
            label.as_str(),
            &serde_json::json!({ "versions": preview.versions }),
        )
        .await?;
        let committed = tx.commit().await;
        self.version_cache().clear();
        if let Err(error) = committed {
            // A failed commit may still have happened (threats-and-faults 0.7): whether the channel lives decides.
            let lives = airlock_db::channels::find_live(self.db(), label).await?;
            if !error.outcome_is_unknown() || lives.is_some() {
                return Err(error.into());
            }
        }
        Ok(preview)
    }

    /// Takes the newest deletion of a label back.
    ///
    /// # Errors
    /// `NotFound` when none can be taken back any more; `Conflict` when the label is in use again.
    pub async fn undelete_channel(&self, actor: &Actor, label: &ChannelLabel) -> Result<Channel> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let taken = || {
            Error::conflict(
                format!("there is a new channel {label}"),
                "delete or rename that one first",
            )
        };
        let live = airlock_db::channels::find_live(self.db(), label).await?;
        if live.as_ref().is_some_and(|live| live.org == actor.org) {
            return Err(taken());
        }
        let since = now.plus_seconds(-i64::from(UNDO_DAYS) * 86_400);
        let Some(id) =
            airlock_db::channels::newest_deleted(&mut tx, actor.org, label, since).await?
        else {
            return Err(Error::no_channel(label));
        };
        // Said only to an organization that had the label: another one's channels are nobody else's business.
        if live.is_some() {
            return Err(taken());
        }
        if let Some(parent) = airlock_db::channels::deleted_parent(&mut tx, id).await? {
            return Err(Error::conflict(
                format!("the parent of {label}, {parent}, is deleted"),
                "take the deletion of the parent back first",
            ));
        }
        let deleted = airlock_db::channels::find_by_id(self.db(), id).await?;
        let next = match deleted.and_then(|channel| channel.schedule) {
            Some(text) => Some(crate::Schedule::parse(&text)?.next(now, &self.settings().zone)?),
            None => None,
        };
        airlock_db::channels::undelete(&mut tx, id, label, next).await?;
        audit::append(
            &mut tx,
            actor,
            now,
            "undelete",
            label.as_str(),
            &serde_json::json!({}),
        )
        .await?;
        let committed = tx.commit().await;
        self.version_cache().clear();
        committed?;
        self.channel(actor.org, label).await
    }
}
