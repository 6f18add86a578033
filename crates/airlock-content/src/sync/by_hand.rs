//! What people did to a mirrored channel since its last sync: a channel that was rolled back, edited or pushed into
//! stays so until its upstream changes, and then becomes what the upstream has. Neither happens without a word.

use std::collections::HashSet;

use airlock_model::{Channel, VersionKind, VersionNumber};

use crate::view::VersionView;
use crate::{Content, Result};

/// Packages named in a warning; the rest is counted.
const NAMED: usize = 3;

/// A current version that no sync made.
pub(super) struct ByHand {
    /// How it came about: `rollback from 5 to 2`.
    note: String,
    /// The last version before it that a sync made.
    synced: VersionNumber,
    /// The packages of that one.
    view: VersionView,
}

impl Content {
    /// What the current version is when no sync made it; none also for a channel that was never synced.
    pub(super) async fn by_hand(&self, channel: &Channel) -> Result<Option<ByHand>> {
        let Some(current) = channel.current else {
            return Ok(None);
        };
        let Some((kind, note)) =
            airlock_db::versions::origin(self.db(), channel.id, current).await?
        else {
            return Ok(None);
        };
        if kind == VersionKind::Sync {
            return Ok(None);
        }
        let synced =
            airlock_db::versions::last_of_kind(self.db(), channel.id, VersionKind::Sync).await?;
        let Some(synced) = synced else {
            return Ok(None);
        };
        let content = self.version_content(channel, synced).await?;
        let note = match note.is_empty() {
            true => kind.as_str().to_owned(),
            false => note,
        };
        Ok(Some(ByHand {
            note,
            synced,
            view: self.view(content.records).await?,
        }))
    }

    /// What to say of a channel whose upstream has nothing new while somebody changed the channel.
    pub(super) async fn stays_by_hand(&self, channel: &Channel) -> Result<Option<String>> {
        let Some(by_hand) = self.by_hand(channel).await? else {
            return Ok(None);
        };
        let (_, current) = self.current_content(channel).await?;
        let (missing, more) = super::changes(&current, &by_hand.view);
        if (missing, more) == (0, 0) {
            return Ok(None);
        }
        let ByHand { note, synced, .. } = by_hand;
        Ok(Some(format!(
            "it stays as it was made by hand ({note}), not what the last sync took, version {synced} \
             (which has {missing} other packages and lacks {more}); airlock channel rollback {} {synced} goes back to that",
            channel.label
        )))
    }
}

impl ByHand {
    /// What a sync that makes `after` of `current` takes back of what was done by hand.
    pub(super) fn undone(&self, current: &VersionView, after: &VersionView) -> Vec<String> {
        let (synced, here, then) = (
            identities(&self.view),
            identities(current),
            identities(after),
        );
        let added = named(current, |identity| {
            !synced.contains(identity) && !then.contains(identity)
        });
        let removed = named(after, |identity| {
            synced.contains(identity) && !here.contains(identity)
        });
        let mut warnings = Vec::new();
        if let Some(list) = shown(added) {
            warnings.push(format!(
                "the upstream does not have what was put in by hand ({}), so these packages go: {list}",
                self.note
            ));
        }
        if let Some(list) = shown(removed) {
            warnings.push(format!(
                "the upstream has what was taken out by hand ({}), so these packages are back: {list}",
                self.note
            ));
        }
        warnings
    }
}

fn identities(view: &VersionView) -> HashSet<String> {
    view.members().map(|(_, info)| info.identity()).collect()
}

/// NEVRAs of the packages of a view whose identity is of a kind.
fn named(view: &VersionView, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    view.members()
        .filter(|(_, info)| is_meant(&info.identity()))
        .map(|(_, info)| info.nevra())
        .collect()
}

/// The first names and how many more there are.
fn shown(mut names: Vec<String>) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    Some(text)
}
