//! updateinfo of clones: an advisory names the packages of it that are there.

use airlock_model::Channel;
use airlock_repodata::updateinfo;

use super::listing::Names;
use crate::commit::VersionContent;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// Which advisories of a version's updateinfo say nothing of packages that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatesForm {
    /// All.
    Cut,
    /// Those that cloning made; the others say what their upstreams or people said.
    ClonesCut,
    /// None, as earlier releases published.
    Whole,
}

impl UpdatesForm {
    /// All forms that there are.
    pub(crate) const ALL: [Self; 3] = [Self::Cut, Self::ClonesCut, Self::Whole];

    /// What a channel publishes now.
    pub(crate) fn of(channel: &Channel) -> Self {
        match channel.cloned_from {
            Some(_) => Self::Cut,
            None => Self::ClonesCut,
        }
    }
}

impl Content {
    /// The `<update>` elements of a version. Those of a clone name only packages that are in it, and so do the errata that
    /// came from a clone into another channel; the stored revisions stay as they are.
    pub(crate) async fn updates(
        &self,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Vec<Vec<u8>>> {
        let form = UpdatesForm::of(channel);
        self.updates_in(form, channel, view, content).await
    }

    /// The same in one of the forms.
    pub(crate) async fn updates_in(
        &self,
        form: UpdatesForm,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Vec<Vec<u8>>> {
        let errata = &content.errata;
        let is_whole = match form {
            UpdatesForm::Cut => false,
            UpdatesForm::ClonesCut => airlock_db::errata_clones::among(self.db(), errata)
                .await?
                .is_empty(),
            UpdatesForm::Whole => true,
        };
        if is_whole {
            return Ok(airlock_db::errata::fragments(self.db(), errata).await?);
        }
        let list = airlock_db::errata_clones::published(self.db(), errata).await?;
        let (label, view) = (channel.label.to_string(), view.clone());
        self.blocking("cutting errata", move |_| {
            let names = Names::new(&view);
            list.into_iter()
                .map(|erratum| {
                    let fragment = erratum.fragment;
                    let stays = form == UpdatesForm::ClonesCut && !erratum.is_clone;
                    if stays || erratum.packages.iter().all(|name| names.has(name)) {
                        return Ok(fragment);
                    }
                    updateinfo::with_packages(&fragment, |package| names.has_package(package))
                        .map_err(|error| Error::metadata(&label, error))
                })
                .collect()
        })
        .await
    }
}
