//! What one upstream gives a version: its metadata, read and stored.

use std::collections::HashSet;

use airlock_model::{Attachment, Channel, MetadataMode, Policy};
use airlock_repodata::MetadataKind;
use airlock_repodata::repomd::Record;
use roaring::RoaringTreemap;

use super::errata;
use super::metadata::{self, FetchedRepomd};
use super::upstream::OpenUpstream;
use crate::context::TaskContext;
use crate::ingest::{IngestInput, Ingested, KnownRecords, Listed, MetadataPath, ingest};
use crate::publication::{MetadataFile, Publication};
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// What one upstream gives a version.
#[derive(Default)]
pub(super) struct Contribution {
    /// Its packages: all that it lists, and those that are taken once the upstreams were merged.
    pub view: VersionView,
    pub errata: Vec<errata::ReadErratum>,
    pub attachments: Vec<Attachment>,
    pub verbatim: Option<Publication>,
    /// Packages of module streams that are left out.
    pub barred: HashSet<String>,
    pub warnings: Vec<String>,
    /// Bytes that came in.
    pub bytes: u64,
    /// As its `repomd.xml` says.
    pub revision: Option<String>,
}

impl Content {
    /// Reads what one upstream lists. `had` is what the channel carries along now.
    pub(super) async fn contribution(
        &self,
        ctx: &TaskContext,
        channel: &Channel,
        upstream: &OpenUpstream,
        repomd: &FetchedRepomd,
        had: &[Attachment],
    ) -> Result<Contribution> {
        let url = upstream.row.url.clone();
        let records = metadata::wanted(&repomd.repomd, channel.metadata);
        ctx.stage(format!("{}: metadata", channel.label));
        let need = metadata::bytes_needed(records.iter().filter_map(|r| r.size));
        self.check_space(&channel.label.to_string(), need)?;
        let files = metadata::download(upstream, &records, self.scratch(), ctx).await?;
        let mut part = Contribution {
            bytes: files.iter().map(|f| f.size).sum(),
            revision: repomd.repomd.revision.clone(),
            ..Contribution::default()
        };

        ctx.stage(format!("{}: reading metadata", channel.label));
        let known = self.known_records(channel.org, upstream.row.id).await?;
        let of_kind = |kind: &str| records.iter().zip(&files).find(|(r, _)| r.kind == kind);
        let path_of = |kind: &str| {
            of_kind(kind).map(|(record, file)| MetadataPath {
                name: metadata::file_url(&url, record),
                path: file.path().to_owned(),
                open_size: record.open_size,
            })
        };
        let primary = path_of("primary")
            .ok_or_else(|| Error::bad_upstream(&url, "repomd.xml does not name a primary"))?;
        // Removed when the metadata has been read.
        let mut stand_ins = Vec::new();
        let mut sides = Vec::new();
        for kind in [MetadataKind::Filelists, MetadataKind::Other] {
            if let Some(path) = path_of(kind.name()) {
                sides.push(path);
                continue;
            }
            part.warnings.push(format!(
                "{url} has no {}: that part is empty for packages that are not brought here",
                kind.name()
            ));
            let packages = primary.clone();
            let file = self
                .blocking("reading metadata", move |content| {
                    super::absent::stand_in(kind, &packages, content.scratch())
                })
                .await?;
            sides.push(MetadataPath {
                name: format!("{url} ({})", kind.name()),
                path: file.path().to_owned(),
                open_size: None,
            });
            stand_ins.push(file);
        }
        let (Some(other), Some(filelists)) = (sides.pop(), sides.pop()) else {
            return Err(Error::worker_panicked("reading metadata"));
        };
        let name = url.clone();
        let (ingested, new_blob, changed_blob) = self
            .blocking("reading metadata", move |content| {
                let input = IngestInput {
                    upstream: &name,
                    primary,
                    filelists,
                    other,
                };
                let mut new_out = content.blobs().writer()?;
                let mut changed_out = content.blobs().writer()?;
                let ingested = ingest(
                    &input,
                    &known,
                    content.scratch(),
                    &mut new_out,
                    &mut changed_out,
                )?;
                let new_blob = if ingested.new.rows.is_empty() {
                    None
                } else {
                    Some(new_out.finish(None)?)
                };
                let changed_blob = if ingested.changed.rows.is_empty() {
                    None
                } else {
                    Some(changed_out.finish(None)?)
                };
                Ok((ingested, new_blob, changed_blob))
            })
            .await?;
        drop(stand_ins);
        part.warnings
            .extend(ingested.warnings.iter().map(|w| format!("{url}: {w}")));
        ctx.stage(format!("{}: storing metadata", channel.label));
        let mut first_new = 0;
        if let Some(blob) = &new_blob {
            first_new = self
                .store_pack_rows(channel.org, Some(upstream.row.id), blob, &ingested.new.rows)
                .await?;
        }
        let mut first_changed = 0;
        if let Some(blob) = &changed_blob {
            first_changed = self
                .store_pack_rows(
                    channel.org,
                    Some(upstream.row.id),
                    blob,
                    &ingested.changed.rows,
                )
                .await?;
        }
        let listed = resolve_listed(&ingested, first_new, first_changed);
        drop(ingested);

        ctx.stage(format!("{}: reading errata", channel.label));
        if let Some((record, file)) = of_kind("updateinfo") {
            let (path, open_size) = (file.path().to_owned(), record.open_size);
            let name = metadata::file_url(&url, record);
            part.errata = self
                .blocking("reading updateinfo", move |_| {
                    errata::read(&name, &path, open_size)
                })
                .await?;
        }
        let carried: Vec<(&Record, &airlock_fetch::Downloaded)> = records
            .iter()
            .copied()
            .zip(&files)
            .filter(|(r, _)| {
                !metadata::is_replaced(&r.kind)
                    && !matches!(
                        r.kind.as_str(),
                        "primary" | "filelists" | "other" | "updateinfo"
                    )
            })
            .collect();
        for (record, file) in carried {
            let filter = &channel.filter;
            if record.kind == "modules"
                && !(filter.modules.is_empty() && filter.exclude_modules.is_empty())
            {
                let text = super::attachments::open(&url, file.path(), record)?;
                let cut = super::modules::cut(&url, &text, filter)?;
                part.barred.extend(cut.barred);
                if let Some(open) = cut.text {
                    // A file that says nothing is none.
                    if !open.is_empty() {
                        part.attachments.push(self.store_open(
                            "modules",
                            "modules.yaml",
                            &open,
                            channel.compression,
                        )?);
                    }
                    continue;
                }
            }
            let attachment = self.store_attachment(&url, file.path(), record)?;
            part.attachments.push(attachment);
        }
        if channel.policy != Policy::MetadataOnly {
            let tree = self
                .bring_in_tree(ctx, upstream, had, &mut part.warnings)
                .await?;
            part.bytes += tree.iter().map(|file| file.size).sum::<u64>();
            part.attachments.extend(tree);
        }
        if channel.metadata == MetadataMode::Verbatim {
            let mut verbatim = self.keep_verbatim(repomd, &records, &files)?;
            let tree = part
                .attachments
                .iter()
                .filter(|a| a.kind == super::tree::TREE);
            verbatim.files.extend(tree.map(|file| MetadataFile {
                path: file.file_name.clone(),
                kind: file.kind.clone(),
                sha256: file.sha256.clone(),
                size: file.size,
                derived: false,
            }));
            part.verbatim = Some(verbatim);
        }
        part.view = self.view(listed).await?;
        Ok(part)
    }

    async fn known_records(
        &self,
        org: airlock_model::OrgId,
        upstream: airlock_model::UpstreamId,
    ) -> Result<KnownRecords> {
        let packs = airlock_db::records::packs_of_upstream(self.db(), org, upstream).await?;
        self.blocking("reading pack indexes", move |content| {
            let mut known = KnownRecords::default();
            for pack in packs {
                known.add_pack(pack.first_record, &*content.pack_index(&pack.sha256)?);
            }
            Ok(known)
        })
        .await
    }

    fn keep_verbatim(
        &self,
        repomd: &FetchedRepomd,
        records: &[&Record],
        files: &[airlock_fetch::Downloaded],
    ) -> Result<Publication> {
        let mut list = Vec::new();
        for (record, file) in records.iter().zip(files) {
            let stored = self.blobs().adopt_copy(file.path())?;
            list.push(MetadataFile {
                path: record.href.clone(),
                kind: record.kind.clone(),
                sha256: stored.sha256,
                size: stored.size,
                derived: false,
            });
        }
        Ok(Publication {
            mode: "verbatim",
            repomd: repomd.bytes.clone(),
            repomd_asc: repomd.signature.clone(),
            files: list,
            settings: String::new(),
        })
    }
}

fn resolve_listed(ingested: &Ingested, first_new: u64, first_changed: u64) -> RoaringTreemap {
    ingested
        .listed
        .iter()
        .map(|listed| match listed {
            Listed::Known(record) => *record,
            Listed::New(position) => first_new + u64::from(*position),
            Listed::Changed(position) => first_changed + u64::from(*position),
        })
        .collect()
}
