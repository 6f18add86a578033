//! The modules file of a clone: the source's documents, naming only artifacts that are in the clone.

use std::collections::{HashMap, HashSet};

use airlock_model::Attachment;
use airlock_repodata::modules::{self, ModuleContent, ModuleDocument};

use crate::checksum::sha256_hex;
use crate::view::VersionView;
use crate::{Content, Error, Result};

/// Type in `repomd.xml`.
const KIND: &str = "modules";

impl Content {
    /// The files that a clone carries along: the source's, with a modules file of its own. Streams that the source no
    /// longer has are taken from the clone's file as long as their packages are there.
    pub(super) fn cloned_attachments(
        &self,
        source: &[Attachment],
        destination: &[Attachment],
        view: &VersionView,
    ) -> Result<Vec<Attachment>> {
        let is_modules = |attachment: &&Attachment| attachment.kind == KIND;
        let mut attachments: Vec<Attachment> =
            source.iter().filter(|a| !is_modules(a)).cloned().collect();
        let artifacts: HashSet<String> = view
            .members()
            .map(|(_, info)| crate::filter::artifact(&info))
            .collect();
        let documents = self.module_documents(source)?;
        let kept = self.module_documents(destination)?;
        match cut(&documents, kept, &artifacts)? {
            None => attachments.extend(source.iter().filter(is_modules).cloned()),
            Some(documents) if documents.is_empty() => {}
            Some(documents) => {
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

/// The documents of a clone that holds these artifacts, from its source's and those that it has; none when the source's
/// fit as they are.
///
/// # Errors
/// [`Error::Conflict`] for a list of artifacts that cannot be cut.
pub(super) fn cut(
    source: &[ModuleDocument],
    destination: Vec<ModuleDocument>,
    artifacts: &HashSet<String>,
) -> Result<Option<Vec<ModuleDocument>>> {
    let kept = only_in(destination, source, artifacts);
    if kept.is_empty() && all_there(source, artifacts) {
        return Ok(None);
    }
    let documents: Vec<ModuleDocument> = source.iter().cloned().chain(kept).collect();
    restricted(&documents, artifacts).map(Some)
}

/// Documents of a clone about streams that the source lacks and that have a package there, with what is said of
/// modules that the source does not speak of.
fn only_in(
    documents: Vec<ModuleDocument>,
    source: &[ModuleDocument],
    artifacts: &HashSet<String>,
) -> Vec<ModuleDocument> {
    let mut streams = HashSet::new();
    let mut modules = HashSet::new();
    for document in source {
        if let ModuleContent::Stream(stream) = &document.content {
            streams.insert(stream.nsvca());
            modules.insert(stream.name.clone());
        }
    }
    let is_left = |document: &ModuleDocument| match &document.content {
        ModuleContent::Stream(stream) => {
            let there = |artifact: &String| artifacts.contains(artifact);
            !streams.contains(&stream.nsvca()) && stream.artifacts.iter().any(there)
        }
        ModuleContent::Defaults(defaults) => !modules.contains(&defaults.module),
        ModuleContent::Obsoletes(_) | ModuleContent::Other(_) => false,
    };
    documents.into_iter().filter(is_left).collect()
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
