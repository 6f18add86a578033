//! updateinfo of clones: an advisory names the packages of it that are there.

use airlock_model::Channel;
use airlock_repodata::updateinfo;

use super::listing::Names;
use crate::commit::VersionContent;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What a version's updateinfo says of packages that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatesForm {
    /// All that the advisories say.
    Whole,
    /// Nothing.
    Cut,
}

impl UpdatesForm {
    /// What a channel publishes now.
    pub(crate) fn of(channel: &Channel) -> Self {
        match channel.cloned_from {
            Some(_) => Self::Cut,
            None => Self::Whole,
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Whole => Self::Cut,
            Self::Cut => Self::Whole,
        }
    }
}

impl Content {
    /// The `<update>` elements of a version. Those of a clone name only packages that are in it; the stored revisions stay
    /// as they are. Other channels have what their upstreams or people said.
    pub(crate) async fn updates(
        &self,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Vec<Vec<u8>>> {
        let form = UpdatesForm::of(channel);
        self.updates_in(form, channel, view, content).await
    }

    /// The same in one of both forms.
    pub(crate) async fn updates_in(
        &self,
        form: UpdatesForm,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Vec<Vec<u8>>> {
        if form == UpdatesForm::Whole {
            return Ok(airlock_db::errata::fragments(self.db(), &content.errata).await?);
        }
        let list = airlock_db::errata_clones::published(self.db(), &content.errata).await?;
        let (label, view) = (channel.label.to_string(), view.clone());
        self.blocking("cutting errata", move |_| {
            let names = Names::new(&view);
            list.into_iter()
                .map(|erratum| {
                    let fragment = erratum.fragment;
                    if erratum.packages.iter().all(|name| names.has(name)) {
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
