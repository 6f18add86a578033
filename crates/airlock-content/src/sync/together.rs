//! One set of files out of what several upstreams carry along: clients take one comps and one modules file of a
//! repository, and refuse it when there are two.
//!
//! Groups, categories and environments are put together by id, module streams by name, stream, version, context and
//! architecture; of what two upstreams say of one thing the word of the earlier one counts, as with packages. Of every
//! other kind only the earliest upstream's files are taken.

use std::collections::HashSet;
use std::io::Write as _;

use airlock_model::{Attachment, Compression};
use airlock_repodata::comps::Comps;
use airlock_repodata::modules::{self, ModuleContent, ModuleDocument};
use airlock_repodata::{Limits, compress};

use crate::checksum::sha256_hex;
use crate::{Content, Error, Result};

const COMPS: &str = "group";
const MODULES: &str = "modules";

/// The kind that an attachment is one of: comps stand in `repomd.xml` under several, and clients take the compressed
/// one first.
fn family(kind: &str) -> &str {
    match kind {
        "group_gz" | "group_xz" | "group_bz2" => COMPS,
        other => other,
    }
}

impl Content {
    /// Puts together what upstreams give, the earliest first: the files and what a person should know.
    ///
    /// # Errors
    /// When a comps or modules file that has to be put together with another one cannot be read.
    pub(crate) fn put_together(
        &self,
        upstreams: Vec<Vec<Attachment>>,
        compression: Compression,
    ) -> Result<(Vec<Attachment>, Vec<String>)> {
        let mut notes = Vec::new();
        let mut taken: Vec<Attachment> = Vec::new();
        let mut settled: HashSet<String> = HashSet::new();
        for (number, files) in upstreams.iter().enumerate() {
            let kinds: HashSet<String> = files.iter().map(|f| family(&f.kind).to_owned()).collect();
            for file in files {
                let kind = family(&file.kind);
                if settled.contains(kind) {
                    continue;
                }
                let sources: Vec<&Attachment> = upstreams
                    .get(number..)
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|files| files.iter().find(|f| family(&f.kind) == kind))
                    .collect();
                // One upstream's own several files of a kind are its business.
                let differ = sources
                    .iter()
                    .any(|other| Some(&other.sha256) != sources.first().map(|s| &s.sha256));
                match kind {
                    COMPS if differ => {
                        taken.push(self.one_comps(&sources, compression)?);
                        settled.insert(COMPS.to_owned());
                    }
                    MODULES if differ => {
                        let open = self.one_modules(&sources)?;
                        taken.push(self.store_open(MODULES, "modules.yaml", &open, compression)?);
                        settled.insert(MODULES.to_owned());
                    }
                    _ => {
                        let first_of_kind = !taken.iter().any(|t| t.kind == file.kind);
                        if differ && first_of_kind {
                            notes.push(format!(
                                "several upstreams have {}; only that of the first is served",
                                named(file)
                            ));
                        }
                        taken.push(file.clone());
                    }
                }
            }
            settled.extend(kinds);
        }
        Ok((taken, notes))
    }

    /// A content's files with one file of each kind that there can be one of only: versions of earlier releases list
    /// those of several upstreams side by side.
    ///
    /// # Errors
    /// As [`Self::put_together`].
    pub(crate) fn one_of_each(
        &self,
        files: Vec<Attachment>,
        compression: Compression,
    ) -> Result<Vec<Attachment>> {
        let several = |kind: &str| files.iter().filter(|file| file.kind == kind).count() > 1;
        if !several(COMPS) && !several(MODULES) {
            return Ok(files);
        }
        let single = |file: &Attachment| [COMPS, MODULES].contains(&family(&file.kind));
        let (single, mut rest): (Vec<Attachment>, Vec<Attachment>) =
            files.into_iter().partition(single);
        let each = single.into_iter().map(|file| vec![file]).collect();
        rest.extend(self.put_together(each, compression)?.0);
        Ok(rest)
    }

    fn one_comps(&self, files: &[&Attachment], compression: Compression) -> Result<Attachment> {
        let mut all = Comps::default();
        let (mut groups, mut categories, mut environments, mut other) = (
            HashSet::new(),
            HashSet::new(),
            HashSet::new(),
            HashSet::new(),
        );
        for file in files {
            let comps = Comps::parse(&self.opened(file)?)
                .map_err(|error| Error::metadata(&file.file_name, error))?;
            // What one file says twice stays as it says it.
            let ids = |list: &mut dyn Iterator<Item = &String>| -> Vec<String> {
                list.cloned().collect()
            };
            let (new_groups, new_categories, new_environments) = (
                ids(&mut comps.groups.iter().map(|part| &part.id)),
                ids(&mut comps.categories.iter().map(|part| &part.id)),
                ids(&mut comps.environments.iter().map(|part| &part.id)),
            );
            let parts = comps.groups.into_iter();
            all.groups
                .extend(parts.filter(|part| !groups.contains(&part.id)));
            let parts = comps.categories.into_iter();
            all.categories
                .extend(parts.filter(|part| !categories.contains(&part.id)));
            let parts = comps.environments.into_iter();
            all.environments
                .extend(parts.filter(|part| !environments.contains(&part.id)));
            let parts = comps.other.into_iter();
            all.other
                .extend(parts.filter(|xml| other.insert(xml.clone())));
            groups.extend(new_groups);
            categories.extend(new_categories);
            environments.extend(new_environments);
        }
        self.store_open(COMPS, "comps.xml", &all.to_xml(), compression)
    }

    fn one_modules(&self, files: &[&Attachment]) -> Result<Vec<u8>> {
        let mut all: Vec<ModuleDocument> = Vec::new();
        let mut known: HashSet<String> = HashSet::new();
        for file in files {
            let documents = modules::parse(&self.opened(file)?)
                .map_err(|error| Error::metadata(&file.file_name, error))?;
            let names: Vec<String> = documents.iter().map(name_of).collect();
            let documents = documents.into_iter().zip(&names);
            all.extend(
                documents
                    .filter(|(_, name)| !known.contains(*name))
                    .map(|(document, _)| document),
            );
            known.extend(names);
        }
        Ok(modules::write(&all))
    }

    fn opened(&self, file: &Attachment) -> Result<Vec<u8>> {
        let limits = Limits::default().with_open_size(file.open_size);
        compress::open_path(&self.blobs().path(&file.sha256)?, &limits)
            .and_then(compress::Opened::into_document)
            .map_err(|error| Error::metadata(&file.file_name, error))
    }

    /// Packs a document as the channel's metadata is packed, and puts it into the store.
    pub(crate) fn store_open(
        &self,
        kind: &str,
        file_name: &str,
        open: &[u8],
        compression: Compression,
    ) -> Result<Attachment> {
        let packed =
            crate::publication::encode(open, compression).map_err(Error::write_metadata)?;
        let mut out = self.blobs().writer()?;
        out.write_all(&packed).map_err(Error::write_metadata)?;
        let stored = out.finish(None)?;
        let suffix = match compression {
            Compression::Zstd => "zst",
            Compression::Gz => "gz",
        };
        Ok(Attachment {
            kind: kind.to_owned(),
            file_name: format!("{file_name}.{suffix}"),
            sha256: stored.sha256,
            size: stored.size,
            open_sha256: Some(sha256_hex(open)),
            open_size: Some(open.len() as u64),
        })
    }
}

/// How a note calls a kind of file.
fn named(file: &Attachment) -> String {
    match file.kind.as_str() {
        super::tree::TREE => "an installation tree".to_owned(),
        kind => format!("metadata of type {kind}"),
    }
}

/// What a module document is about: two of one name contradict each other.
fn name_of(document: &ModuleDocument) -> String {
    match &document.content {
        ModuleContent::Stream(stream) => format!("stream {}", stream.nsvca()),
        ModuleContent::Defaults(defaults) => format!("defaults {}", defaults.module),
        ModuleContent::Obsoletes(obsoletes) => format!(
            "obsoletes {}:{}:{} {}",
            obsoletes.module,
            obsoletes.stream,
            obsoletes.context.as_deref().unwrap_or_default(),
            obsoletes.modified
        ),
        ModuleContent::Other(_) => format!("other {}", document.raw.trim()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn comps(id: &str) -> String {
        format!("<comps><group><id>{id}</id><name>{id}</name></group></comps>")
    }

    #[tokio::test]
    async fn what_earlier_releases_listed_twice_becomes_one() {
        let folder = tempfile::tempdir().unwrap();
        let content = Content::new(
            airlock_db::Db::open_file(&folder.path().join("airlock.db"))
                .await
                .unwrap(),
            airlock_blob::BlobStore::open(folder.path()).unwrap(),
            airlock_fetch::Fetcher::new(airlock_fetch::Settings::default()),
            Arc::new(airlock_model::SystemClock),
            crate::ContentSettings::new(folder.path()),
        );
        let file = |kind: &str, text: &str| {
            content
                .store_open(kind, "comps.xml", text.as_bytes(), Compression::Gz)
                .unwrap()
        };
        let (one, other) = (file(COMPS, &comps("a")), file(COMPS, &comps("b")));
        let productid = file("productid", "x");
        let packed = file("group_gz", &comps("a"));
        let list = vec![one.clone(), packed.clone(), productid.clone(), other];
        let files = content.one_of_each(list, Compression::Zstd).unwrap();
        let kinds: Vec<&str> = files.iter().map(|file| file.kind.as_str()).collect();
        assert_eq!(kinds, ["productid", COMPS]);
        let together = Comps::parse(&content.opened(&files[1]).unwrap()).unwrap();
        let ids: Vec<&str> = together.groups.iter().map(|g| g.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        // One upstream's files stay as they are.
        let list = vec![one, packed, productid];
        let same = content
            .one_of_each(list.clone(), Compression::Zstd)
            .unwrap();
        assert_eq!(same, list);
    }
}
