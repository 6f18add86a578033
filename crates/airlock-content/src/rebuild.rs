//! Metadata of old versions that was dropped is made again, byte by byte, at the first request.

use std::path::PathBuf;

use crate::clone::UpdatesForm;
use crate::publication::{ENCODER, MetadataFile, PublishRequest, publish};
use crate::resolve::ResolvedVersion;
use crate::{Content, Error, Result};

impl Content {
    /// The blob of a published metadata file; made again when it was dropped.
    pub(crate) async fn metadata_blob(
        &self,
        version: &ResolvedVersion,
        file: &MetadataFile,
    ) -> Result<PathBuf> {
        if self.blobs().exists(&file.sha256)? {
            return Ok(self.blobs().path(&file.sha256)?);
        }
        let name = format!("{}@{}/{}", version.label(), version.number, file.path);
        if !file.derived {
            return Err(Error::damaged(format!("{name} is not in the store")));
        }
        let _turn = self.building().lock().await;
        // A channel is a clone as long as its source is there, and earlier releases cut nothing: what form a version was
        // published in shows in its bytes only.
        let form = UpdatesForm::of(&version.channel);
        let others = UpdatesForm::ALL.into_iter().filter(|other| *other != form);
        for form in std::iter::once(form).chain(others) {
            if !self.blobs().exists(&file.sha256)? {
                self.rebuild(version, form).await?;
            }
        }
        if self.blobs().exists(&file.sha256)? {
            Ok(self.blobs().path(&file.sha256)?)
        } else {
            Err(Error::damaged(format!(
                "{name} could not be made again with the same bytes"
            )))
        }
    }

    async fn rebuild(&self, version: &ResolvedVersion, form: UpdatesForm) -> Result<()> {
        let published = &version.published;
        if published.encoder != ENCODER {
            return Err(Error::damaged(format!(
                "{}@{} was written by the encoder {}, this program has {ENCODER}",
                version.label(),
                version.number,
                published.encoder
            )));
        }
        let (compression, checksum) = published
            .files
            .encoding()
            .ok_or_else(|| Error::damaged("a publication without its settings"))?;
        let content = self
            .version_content(&version.channel, version.number)
            .await?;
        let view = self.view(content.records.clone()).await?;
        let updates = self
            .updates_in(form, &version.channel, &view, &content)
            .await?;
        let instant = published.instant;
        self.blocking("making metadata again", move |domain| {
            publish(
                domain.blobs(),
                &PublishRequest {
                    view: &view,
                    updates: &updates,
                    attachments: &content.attachments,
                    compression,
                    checksum: &checksum,
                    instant,
                },
            )
            .map(|_| ())
        })
        .await
    }
}
