//! Channels' contents as a pool of the dependency engine: made from the packs once, kept as bytes for the next question.
//!
//! A pool depends on nothing but which records its parts hold, and records never change, so a kept pool is never out of
//! date. Keeping is a matter of speed only: a kept pool that is damaged, or that there is no room for, is made again.

mod build;
mod keep;
mod memory;

use std::sync::Arc;

use airlock_db::records::PackRow;
use airlock_model::Attachment;
use airlock_repodata::modules::ModuleDocument;
use airlock_repodata::{Limits, compress};
use airlock_solve::Pool;
use roaring::RoaringTreemap;

use crate::{Content, Error, Result};

pub(crate) use memory::Recent;

/// A channel's content as one repository of a pool.
#[derive(Debug, Clone)]
pub(crate) struct PoolPart {
    /// Name of the repository.
    pub label: String,
    /// Its records: their ids are the keys of the pool's packages.
    pub records: RoaringTreemap,
    /// Files carried along, of which the module documents are read.
    pub attachments: Vec<Attachment>,
}

/// A pool ready to be asked.
#[derive(Debug)]
pub(crate) struct LoadedPool {
    /// Repository i is part i.
    pub pool: Pool,
    /// Module documents of all parts, in order.
    pub documents: Vec<ModuleDocument>,
}

/// A part with the packs that hold its records, in record order.
#[derive(Debug)]
struct Source {
    part: PoolPart,
    packs: Vec<PackRow>,
}

impl Content {
    /// The pool of some parts.
    ///
    /// # Errors
    /// When stored metadata is damaged, or module documents cannot be read.
    pub(crate) async fn pool(&self, parts: Vec<PoolPart>) -> Result<Arc<LoadedPool>> {
        let mut sources = Vec::with_capacity(parts.len());
        for part in parts {
            let packs = airlock_db::records::packs_covering(self.db(), &part.records).await?;
            sources.push(Source { part, packs });
        }
        self.blocking("preparing dependencies", move |content| {
            let key = keep::key(&sources)?;
            let attachments: Vec<&Attachment> = sources
                .iter()
                .flat_map(|source| module_files(&source.part.attachments))
                .collect();
            let name = memory::name(&key, &attachments);
            if let Some(found) = content.recent_pools().find(&name) {
                return Ok(found);
            }
            let folder = keep::Folder::of(content);
            let (pool, size) = match folder.read(&key) {
                Some(kept) => kept,
                None => {
                    let pool = build::build(content, &sources)?;
                    let bytes = pool.write();
                    folder.write(content, &key, &bytes);
                    (pool, bytes.len())
                }
            };
            let mut documents = Vec::new();
            for attachment in attachments {
                documents.extend(content.read_module_documents(attachment)?);
            }
            let loaded = Arc::new(LoadedPool { pool, documents });
            content.recent_pools().add(name, Arc::clone(&loaded), size);
            Ok(loaded)
        })
        .await
    }

    /// The module documents of a content, in order.
    pub(crate) fn module_documents(
        &self,
        attachments: &[Attachment],
    ) -> Result<Vec<ModuleDocument>> {
        let mut documents = Vec::new();
        for attachment in module_files(attachments) {
            documents.extend(self.read_module_documents(attachment)?);
        }
        Ok(documents)
    }

    fn read_module_documents(&self, attachment: &Attachment) -> Result<Vec<ModuleDocument>> {
        let path = self.blobs().path(&attachment.sha256)?;
        let limits = Limits::default().with_open_size(attachment.open_size);
        compress::open_path(&path, &limits)
            .and_then(compress::Opened::into_document)
            .and_then(|text| airlock_repodata::modules::parse(&text))
            .map_err(|error| Error::metadata(&attachment.file_name, error))
    }
}

/// The attachments that hold module documents.
pub(crate) fn module_files(attachments: &[Attachment]) -> impl Iterator<Item = &Attachment> {
    attachments.iter().filter(|file| file.kind == "modules")
}
