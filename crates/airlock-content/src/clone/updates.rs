//! updateinfo of clones: an advisory names the packages of it that are there.

use airlock_model::Channel;
use airlock_repodata::updateinfo;

use super::listing::Names;
use crate::commit::VersionContent;
use crate::view::VersionView;
use crate::{Content, Error, Result};

impl Content {
    /// The `<update>` elements of a version. Those of a clone name only packages that are in it; the stored revisions stay
    /// as they are. Other channels have what their upstreams or people said.
    pub(crate) async fn updates(
        &self,
        channel: &Channel,
        view: &VersionView,
        content: &VersionContent,
    ) -> Result<Vec<Vec<u8>>> {
        if channel.cloned_from.is_none() {
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
