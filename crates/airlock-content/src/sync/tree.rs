//! Installation trees: `.treeinfo` (or `treeinfo`) and the images that it names, carried along beside the repository.

use airlock_fetch::{Job, Progress, Small};
use airlock_model::{Attachment, Channel, Policy, VersionKind};
use airlock_repodata::treeinfo::Treeinfo;

use super::upstream::OpenUpstream;
use crate::checksum::{named_checksum, sha256_hex};
use crate::context::TaskContext;
use crate::{Content, Error, Result};

/// Kind of an attachment that is served at its own path and does not stand in `repomd.xml`.
pub(crate) const TREE: &str = "airlock:tree";
/// Names of the file that describes a tree, the usual one first.
const TREEINFO: [&str; 2] = [".treeinfo", "treeinfo"];
/// Largest `.treeinfo`.
const TREEINFO_LIMIT: u64 = 1 << 20;
/// Largest image.
const IMAGE_LIMIT: u64 = 16 << 30;

impl Content {
    /// Whether an upstream describes another installation tree than the one that the channel took from it. Only its
    /// description is asked for; while it cannot be had, nothing changed.
    pub(super) async fn tree_changed(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        upstreams: &[&OpenUpstream],
        warnings: &mut Vec<String>,
    ) -> Result<bool> {
        let Some(number) = channel
            .current
            .filter(|_| channel.policy != Policy::MetadataOnly)
        else {
            return Ok(false);
        };
        let content = airlock_db::versions::content(self.db(), channel.id, number).await?;
        let files = content
            .map(|content| content.attachments)
            .unwrap_or_default();
        let Some(ours) = files
            .into_iter()
            .find(|file| file.kind == TREE && TREEINFO.contains(&file.file_name.as_str()))
        else {
            return Ok(false);
        };
        // After a rollback or a promotion the tree is another one, and meant to be.
        let kind = airlock_db::versions::kind(self.db(), channel.id, number).await?;
        if kind != Some(VersionKind::Sync) {
            return Ok(false);
        }
        let mut others = false;
        for upstream in upstreams {
            ctx.check()?;
            match upstream
                .session
                .small(&ours.file_name, TREEINFO_LIMIT, None, &ctx.fetch_cancel())
                .await
            {
                Ok(Small::Bytes(file)) if sha256_hex(&file.bytes) == ours.sha256 => {
                    return Ok(false);
                }
                Ok(Small::Bytes(_)) => others = true,
                Ok(Small::Unchanged) => return Ok(false),
                Err(error) if error.is_not_found() => {}
                // The packages are as they were, and so is the tree as far as anybody knows.
                Err(error) => {
                    ctx.check()?;
                    warnings.push(format!(
                        "{}: whether the installation tree changed could not be found out: {error}",
                        upstream.row.url
                    ));
                    return Ok(false);
                }
            }
        }
        Ok(others)
    }

    /// Brings in an upstream's tree; nothing when it has none. Images that the upstream does not have are a warning, and
    /// the tree is left out then, since half a tree installs nothing; but a tree that the channel serves already is not
    /// lost that way, and neither does a damaged or unreachable image count as absent: the sync fails. Images that
    /// `had` holds under the same checksum are not fetched again.
    pub(super) async fn bring_in_tree(
        &self,
        ctx: &TaskContext,
        upstream: &OpenUpstream,
        had: &[Attachment],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Attachment>> {
        let url = &upstream.row.url;
        let mut found = None;
        for name in TREEINFO {
            match upstream
                .session
                .small(name, TREEINFO_LIMIT, None, &ctx.fetch_cancel())
                .await
            {
                Ok(Small::Bytes(file)) => {
                    found = Some((name, file.bytes));
                    break;
                }
                Ok(Small::Unchanged) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some((name, bytes)) = found else {
            return Ok(Vec::new());
        };
        let tree = match Treeinfo::parse(&bytes) {
            Ok(tree) => tree,
            Err(error) => {
                warnings.push(format!(
                    "{url}: {name} cannot be read, so the tree is left out: {error}"
                ));
                return Ok(Vec::new());
            }
        };
        ctx.stage(format!("{url}: installation tree"));
        let mut attachments = Vec::new();
        for file in tree.files() {
            // The repository's own metadata is published by us.
            if file.path.starts_with("repodata/") {
                continue;
            }
            ctx.check()?;
            let mut job = Job::new(file.path.clone(), self.scratch()).limit(IMAGE_LIMIT);
            if let Some(checksum) = &file.checksum {
                let same = had.iter().find(|old| {
                    old.kind == TREE
                        && old.file_name == file.path
                        && checksum.kind == "sha256"
                        && old.sha256 == checksum.value.to_ascii_lowercase()
                });
                if let Some(old) = same
                    && self.blobs().exists(&old.sha256)?
                {
                    self.blobs().touch(&old.sha256)?;
                    attachments.push(old.clone());
                    continue;
                }
                job.checksum = named_checksum(&checksum.kind, &checksum.value);
                if job.checksum.is_none() {
                    return Err(Error::bad_upstream(
                        url,
                        format!(
                            "{name}, {}: {} is no {} checksum",
                            file.path, checksum.value, checksum.kind
                        ),
                    ));
                }
            }
            match upstream
                .session
                .download(&job, &Progress::silent(), &ctx.fetch_cancel())
                .await
            {
                Ok(downloaded) => {
                    let stored = self
                        .blocking("storing a tree", move |content| {
                            let sha256 = downloaded.sha256_hex();
                            let mut stored =
                                content.blobs().adopt_many(&[(downloaded.keep(), sha256)])?;
                            stored
                                .pop()
                                .ok_or_else(|| Error::worker_panicked("storing a tree"))
                        })
                        .await?;
                    attachments.push(tree_file(&file.path, stored.sha256, stored.size));
                }
                Err(airlock_fetch::Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) if !error.is_not_found() || had.iter().any(|old| old.kind == TREE) => {
                    return Err(Error::bad_upstream(
                        url,
                        format!("installation tree, {}: {error}", file.path),
                    ));
                }
                Err(error) => {
                    warnings.push(format!("{url}: the installation tree is left out: {error}"));
                    return Ok(Vec::new());
                }
            }
        }
        let mut writer = self.blobs().writer()?;
        std::io::Write::write_all(&mut writer, &bytes).map_err(|e| Error::io(name, e))?;
        let stored = writer.finish(Some(&sha256_hex(&bytes)))?;
        attachments.push(tree_file(name, stored.sha256, stored.size));
        Ok(attachments)
    }
}

fn tree_file(path: &str, sha256: String, size: u64) -> Attachment {
    Attachment {
        kind: TREE.to_owned(),
        file_name: path.to_owned(),
        sha256,
        size,
        open_sha256: None,
        open_size: None,
    }
}
