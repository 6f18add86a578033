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

    /// Takes a deletion of a label back. Where several channels of that label were deleted, `choice` says which: 1 is
    /// the one that was deleted last.
    ///
    /// # Errors
    /// `NotFound` when none can be taken back any more; `Conflict` when the label is in use (again), or when there are
    /// several and none was chosen.
    pub async fn undelete_channel(
        &self,
        actor: &Actor,
        label: &ChannelLabel,
        choice: Option<usize>,
    ) -> Result<Channel> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let live = airlock_db::channels::find_live(self.db(), label).await?;
        let since = now.plus_seconds(-i64::from(UNDO_DAYS) * 86_400);
        let deleted = airlock_db::channels::deleted(&mut tx, actor.org, label, since).await?;
        if deleted.is_empty() {
            // Another organization's channels are nobody else's business.
            return Err(match live.filter(|live| live.org == actor.org) {
                Some(_) => Error::conflict(format!("channel {label} is not deleted"), ""),
                None => Error::no_channel(label),
            });
        }
        if live.is_some() {
            return Err(Error::conflict(
                format!("there is a new channel {label}"),
                "delete that one first; undelete then lists both, and --deleted 2 brings the older one back",
            ));
        }
        let chosen = match (choice, deleted.as_slice()) {
            (None, [one]) => Some(*one),
            (None, _) => None,
            (Some(number), list) => number
                .checked_sub(1)
                .and_then(|place| list.get(place))
                .copied(),
        };
        let Some(id) = chosen else {
            let mut lines = Vec::new();
            for (place, id) in deleted.iter().enumerate() {
                let Some(channel) = airlock_db::channels::find_by_id(self.db(), *id).await? else {
                    continue;
                };
                let at = channel.deleted.map(|at| at.to_string());
                lines.push(format!(
                    "  {}: deleted {}, versions: {}, packages: {}",
                    place + 1,
                    at.unwrap_or_default(),
                    airlock_db::versions::count(self.db(), *id).await?,
                    channel.packages,
                ));
            }
            let what = match choice {
                None => format!("several channels {label} were deleted"),
                Some(number) => format!("there is no deleted channel {label} number {number}"),
            };
            return Err(Error::conflict(
                format!("{what}:\n{}", lines.join("\n")),
                "choose one by its number: airlock channel undelete LABEL --deleted N",
            ));
        };
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
