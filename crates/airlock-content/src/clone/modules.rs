//! The modules file of a clone: the source's documents, naming only artifacts that are in the clone.

use std::collections::{HashMap, HashSet};

use airlock_model::Attachment;
use airlock_repodata::modules::{self, ModuleContent, ModuleDocument};
use airlock_repodata::{Limits, compress};

use crate::checksum::sha256_hex;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// Type in `repomd.xml`.
const KIND: &str = "modules";

impl Content {
    /// The files that a clone carries along: the source's, with a modules file of its own.
    pub(super) fn cloned_attachments(
        &self,
        label: &str,
        source: &[Attachment],
        view: &VersionView,
    ) -> Result<Vec<Attachment>> {
        let mut attachments = Vec::with_capacity(source.len());
        for attachment in source {
            if attachment.kind != KIND {
                attachments.push(attachment.clone());
                continue;
            }
            let artifacts: HashSet<String> = view
                .members()
                .map(|(_, info)| crate::filter::artifact(&info))
                .collect();
            let limits = Limits::default().with_open_size(attachment.open_size);
            let path = self.blobs().path(&attachment.sha256)?;
            let bad = |error| Error::metadata(label, error);
            let bytes = compress::open_path(&path, &limits)
                .and_then(compress::Opened::into_document)
                .map_err(bad)?;
            let documents = modules::parse(&bytes).map_err(bad)?;
            if all_there(&documents, &artifacts) {
                attachments.push(attachment.clone());
                continue;
            }
            let documents = restricted(&documents, &artifacts)?;
            if !documents.is_empty() {
                attachments.push(self.store_modules(&modules::write(&documents))?);
            }
        }
        Ok(attachments)
    }

    fn store_modules(&self, open: &[u8]) -> Result<Attachment> {
        let packed = zstd::bulk::compress(open, crate::pack::BLOCK_LEVEL)
            .map_err(|error| Error::io("packing a modules file", error))?;
        let mut out = self.blobs().writer()?;
        std::io::Write::write_all(&mut out, &packed)
            .map_err(|error| Error::io("writing a modules file", error))?;
        let stored = out.finish(None)?;
        Ok(Attachment {
            kind: KIND.to_owned(),
            file_name: "modules.yaml.zst".to_owned(),
            sha256: stored.sha256,
            size: stored.size,
            open_sha256: Some(sha256_hex(open)),
            open_size: Some(open.len() as u64),
        })
    }
}

fn all_there(documents: &[ModuleDocument], artifacts: &HashSet<String>) -> bool {
    documents.iter().all(|document| match &document.content {
        ModuleContent::Stream(stream) => stream.artifacts.iter().all(|a| artifacts.contains(a)),
        _ => true,
    })
}

/// Documents of streams that have a package left or never had one, and all others but those about modules that lose
/// every stream.
fn restricted(
    documents: &[ModuleDocument],
    artifacts: &HashSet<String>,
) -> Result<Vec<ModuleDocument>> {
    let mut cut = Vec::with_capacity(documents.len());
    // Modules with streams, and whether one of those stays.
    let mut left: HashMap<&str, bool> = HashMap::new();
    for document in documents {
        let kept = document
            .with_artifacts(|artifact| artifacts.contains(artifact))
            .map_err(|error| {
                Error::conflict(
                    format!("the clone's module metadata cannot be made: {error}"),
                    "clone all packages of that stream, or have its list written with one package a line",
                )
            })?;
        if let ModuleContent::Stream(stream) = &document.content {
            *left.entry(&stream.name).or_default() |= kept.is_some();
        }
        cut.push(kept);
    }
    let stays = |module: &str| left.get(module) != Some(&false);
    let mut documents: Vec<ModuleDocument> = cut.into_iter().flatten().collect();
    documents.retain(|document| match &document.content {
        ModuleContent::Defaults(defaults) => stays(&defaults.module),
        ModuleContent::Obsoletes(obsoletes) => stays(&obsoletes.module),
        ModuleContent::Stream(_) | ModuleContent::Other(_) => true,
    });
    Ok(documents)
}
