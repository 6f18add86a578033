//! Own packages: files pushed into a channel.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use airlock_db::package_files::SeenFile;
use airlock_model::{ChannelLabel, PackageRef, PushOutcome, VersionKind};

use crate::context::TaskContext;
use crate::edit::Change;
use crate::inspect::{Claim, Inspected, inspect};
use crate::own_packs::OwnPack;
use crate::{Content, Error, Result};

/// A file that a face received whole, below the data folder.
#[derive(Debug, Clone)]
pub struct StagedFile {
    /// Where it lies; it is taken away.
    pub path: PathBuf,
    /// Its name as the sender said.
    pub name: String,
}

impl Content {
    /// Pushes package files into a channel: all or none, one new version.
    ///
    /// # Errors
    /// [`Error::BadPackage`] names the first file that is damaged or refused; `Conflict` for another build of a NEVRA
    /// that the channel has already.
    pub async fn push(
        &self,
        ctx: &TaskContext,
        label: &ChannelLabel,
        files: Vec<StagedFile>,
    ) -> Result<PushOutcome> {
        let channel = self.changeable(ctx, label).await?;
        if files.is_empty() {
            return Err(Error::invalid(
                "no file was given",
                "airlock channel push LABEL FILE…",
            ));
        }
        let (mut content, view) = self.current_content(&channel).await?;
        let keys = self.key_ring(&channel).await?;
        let policy = channel.effective_signatures();
        let stage = format!("{label}: looking into packages");
        ctx.stage(stage);
        let cancel = ctx.cancel.clone();
        let (inspected, paths) = self
            .blocking("looking into packages", move |content| {
                let mut list = Vec::new();
                for file in &files {
                    if cancel.is_cancelled() {
                        return Err(Error::Cancelled);
                    }
                    let name = file
                        .name
                        .rsplit('/')
                        .next()
                        .unwrap_or(&file.name)
                        .to_owned();
                    let (sha256, size) = content.blobs().hash_file(&file.path)?;
                    let mtime = content.now().seconds();
                    let claim = Claim {
                        file: &name,
                        checksum_type: "sha256",
                        checksum: &sha256,
                        size,
                        mtime,
                        upstream: None,
                    };
                    list.push((inspect(&file.path, &claim, &keys, policy)?, sha256));
                }
                let paths: Vec<(PathBuf, String)> = files
                    .iter()
                    .zip(&list)
                    .map(|(f, (_, sha256))| (f.path.clone(), sha256.clone()))
                    .collect();
                Ok((list, paths))
            })
            .await?;
        // Nothing reaches the store before every file was found good.
        let taking_up = self.taking_up().await;
        self.blocking("storing packages", move |content| {
            Ok(content.blobs().adopt_many(&paths)?)
        })
        .await?;
        let seen: Vec<SeenFile> = inspected
            .iter()
            .map(|(i, sha256)| SeenFile {
                key: ("sha256".to_owned(), sha256.clone()),
                sha256: sha256.clone(),
                size: i.record.size,
            })
            .collect();
        airlock_db::package_files::remember(self.db(), channel.org, &seen, self.now()).await?;
        drop(taking_up);
        let own = airlock_db::records::own_by_checksum(
            self.db(),
            channel.org,
            seen.iter().map(|s| s.key.clone()),
        )
        .await?;

        let mut outcome = PushOutcome {
            channel: label.clone(),
            version: channel.current,
            added: Vec::new(),
            present: Vec::new(),
            warnings: Vec::new(),
        };
        let names: HashSet<&str> = inspected
            .iter()
            .map(|(i, _)| i.record.name.as_str())
            .collect();
        let mut there: HashMap<String, String> = HashMap::new();
        for (_, other) in view.members().filter(|(_, r)| names.contains(r.name)) {
            there
                .entry(other.nevra())
                .or_insert_with(|| other.identity());
        }
        let mut given: HashSet<String> = HashSet::new();
        let mut pack = OwnPack::new(self.scratch())?;
        let mut places = Vec::new();
        for (
            Inspected {
                record,
                fragments,
                warnings,
            },
            sha256,
        ) in inspected
        {
            outcome.warnings.extend(warnings);
            let info = record.info();
            let package = PackageRef {
                nevra: info.nevra(),
                checksum: info.identity(),
            };
            if let Some(other) = there.get(&package.nevra) {
                if *other == package.checksum {
                    outcome.present.push(package);
                    continue;
                }
                return Err(Error::conflict(
                    format!(
                        "channel {label} has another build of {} ({})",
                        package.nevra, other
                    ),
                    "raise the release of your build, or remove the old package from the channel first",
                ));
            }
            if !given.insert(package.nevra.clone()) {
                return Err(Error::conflict(
                    format!("{} was given twice", package.nevra),
                    "give each package once",
                ));
            }
            match own.get(&("sha256".to_owned(), sha256)) {
                Some(record) => {
                    content.records.insert(*record);
                }
                None => places.push(pack.add(record, &fragments)?),
            }
            outcome.added.push(package);
        }
        if !pack.is_empty() {
            let first = self.store_own_pack(channel.org, pack).await?;
            content
                .records
                .extend(places.into_iter().map(|place| first + place as u64));
        }
        let note = format!("pushed {} packages", outcome.added.len());
        let changed = self
            .change(
                ctx,
                &channel,
                Change {
                    kind: VersionKind::Push,
                    note,
                    plan_digest: None,
                    content,
                },
            )
            .await?;
        outcome.version = changed.to;
        if changed.from != changed.to {
            outcome
                .warnings
                .extend(crate::edit::replaced_by_sync(&channel));
        }
        Ok(outcome)
    }
}
