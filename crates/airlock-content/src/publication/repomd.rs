//! A whole publication: the parts side by side, updateinfo, attachments, and `repomd.xml` last.

use std::io::Write as _;
use std::sync::Arc;

use airlock_blob::BlobStore;
use airlock_model::{Attachment, Compression, Instant};
use airlock_repodata::checksum::Checksum;
use airlock_repodata::repomd::{Record, Repomd};
use serde::{Deserialize, Serialize};

use super::part::{BuiltFile, PackSource, PartRequest, build_part};
use crate::Error;
use crate::checksum::{Hasher, sha256_hex};
use crate::pack::{PackReader, Part};
use crate::view::VersionView;

/// A file of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataFile {
    /// Path below the repository: `repodata/<checksum>-primary.xml.zst`.
    pub path: String,
    /// Type in `repomd.xml`.
    pub kind: String,
    /// SHA-256 of the blob.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Whether it can be made again from packs and rows.
    pub derived: bool,
}

/// What clients download of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// `own` or `verbatim`.
    pub mode: &'static str,
    /// `repomd.xml`.
    pub repomd: Vec<u8>,
    /// `repomd.xml.asc`.
    pub repomd_asc: Option<Vec<u8>>,
    /// Its files.
    pub files: Vec<MetadataFile>,
    /// The channel's settings that decided its bytes; empty for verbatim.
    pub settings: String,
}

/// The file list of a publication as its row stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFiles {
    /// The channel's settings that decided the bytes: `compression checksum signed|unsigned`; empty for verbatim.
    pub settings: String,
    /// The files.
    pub files: Vec<MetadataFile>,
}

impl PublishedFiles {
    /// Reads a row's text.
    ///
    /// # Errors
    /// When it is not what [`Self::write`] wrote.
    pub fn read(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|e| Error::damaged(format!("a publication's file list cannot be read: {e}")))
    }

    /// The row's text.
    #[must_use]
    pub fn write(&self) -> String {
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Compression and checksum type that own metadata was made with.
    #[must_use]
    pub fn encoding(&self) -> Option<(Compression, String)> {
        let mut words = self.settings.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
    }
}

impl Publication {
    /// The file list as its row stores it.
    #[must_use]
    pub fn published_files(&self) -> PublishedFiles {
        PublishedFiles {
            settings: self.settings.clone(),
            files: self.files.clone(),
        }
    }
}

/// What [`publish`] is to make.
pub struct PublishRequest<'a> {
    /// The packages.
    pub view: &'a VersionView,
    /// The errata as `<update>` fragments, in order.
    pub updates: &'a [Vec<u8>],
    /// Files carried along.
    pub attachments: &'a [Attachment],
    /// How own files are compressed.
    pub compression: Compression,
    /// Checksum type in `repomd.xml`.
    pub checksum: &'a str,
    /// The version's instant: revision and timestamps.
    pub instant: Instant,
}

/// Writes a version's metadata files into the store and returns its publication (unsigned).
///
/// # Errors
/// When a pack is damaged or the store cannot be written.
pub fn publish(blobs: &BlobStore, request: &PublishRequest<'_>) -> Result<Publication, Error> {
    let built = std::thread::scope(|scope| {
        let parts = Part::ALL.map(|part| scope.spawn(move || write_part(blobs, request, part)));
        parts.map(|handle| {
            handle
                .join()
                .unwrap_or_else(|_| Err(Error::worker_panicked("writing metadata")))
        })
    });
    let seconds = request.instant.seconds();
    let mut records = Vec::new();
    let mut files = Vec::new();
    for (part, result) in Part::ALL.into_iter().zip(built) {
        let (sha256, file) = result?;
        push_file(
            &mut records,
            &mut files,
            part.name(),
            &sha256,
            &file,
            request,
            seconds,
        );
    }
    if !request.updates.is_empty() {
        let (sha256, file) = write_updateinfo(blobs, request)?;
        push_file(
            &mut records,
            &mut files,
            "updateinfo",
            &sha256,
            &file,
            request,
            seconds,
        );
    }
    for attachment in request.attachments {
        if attachment.kind == crate::sync::tree::TREE {
            files.push(MetadataFile {
                path: attachment.file_name.clone(),
                kind: attachment.kind.clone(),
                sha256: attachment.sha256.clone(),
                size: attachment.size,
                derived: false,
            });
            continue;
        }
        let path = format!("repodata/{}-{}", attachment.sha256, attachment.file_name);
        let checksum = |value: &str| Checksum {
            kind: "sha256".to_owned(),
            value: value.to_owned(),
        };
        records.push(Record {
            open_checksum: attachment.open_sha256.as_deref().map(checksum),
            size: Some(attachment.size),
            open_size: attachment.open_size,
            timestamp: Some(seconds),
            ..Record::new(&attachment.kind, checksum(&attachment.sha256), &path)
        });
        files.push(MetadataFile {
            path,
            kind: attachment.kind.clone(),
            sha256: attachment.sha256.clone(),
            size: attachment.size,
            derived: false,
        });
    }
    let repomd = Repomd {
        revision: Some(seconds.to_string()),
        records,
        ..Repomd::default()
    };
    Ok(Publication {
        mode: "own",
        repomd: repomd.to_xml(),
        repomd_asc: None,
        files,
        settings: String::new(),
    })
}

fn push_file(
    records: &mut Vec<Record>,
    files: &mut Vec<MetadataFile>,
    kind: &str,
    sha256: &str,
    file: &BuiltFile,
    request: &PublishRequest<'_>,
    seconds: i64,
) {
    let suffix = match request.compression {
        Compression::Zstd => "zst",
        Compression::Gz => "gz",
    };
    let stored = file.checksum.as_deref().unwrap_or(sha256);
    let path = format!("repodata/{stored}-{kind}.xml.{suffix}");
    let checksum = |value: &str| Checksum {
        kind: request.checksum.to_owned(),
        value: value.to_owned(),
    };
    records.push(Record {
        open_checksum: Some(checksum(&file.open_checksum)),
        size: Some(file.size),
        open_size: Some(file.open_size),
        timestamp: Some(seconds),
        ..Record::new(kind, checksum(stored), &path)
    });
    files.push(MetadataFile {
        path,
        kind: kind.to_owned(),
        sha256: sha256.to_owned(),
        size: file.size,
        derived: true,
    });
}

fn write_part(
    blobs: &BlobStore,
    request: &PublishRequest<'_>,
    part: Part,
) -> Result<(String, BuiltFile), Error> {
    let packs: Vec<PackSource> = request
        .view
        .packs
        .iter()
        .map(|pack| {
            Ok(PackSource {
                reader: PackReader::with_index(
                    &blobs.path(&pack.sha256)?,
                    Arc::clone(&pack.index),
                )?,
                first_record: pack.first_record,
            })
        })
        .collect::<Result<_, Error>>()?;
    let mut out = blobs.writer()?;
    let file = build_part(
        PartRequest {
            part,
            packs: &packs,
            records: &request.view.records,
            compression: request.compression,
            checksum: request.checksum,
        },
        &mut out,
    )?;
    Ok((out.finish(None)?.sha256, file))
}

/// updateinfo is small beside the rest; it is encoded whole.
fn write_updateinfo(
    blobs: &BlobStore,
    request: &PublishRequest<'_>,
) -> Result<(String, BuiltFile), Error> {
    let mut open = airlock_repodata::updateinfo::OPEN_TAG.to_vec();
    for update in request.updates {
        open.extend_from_slice(update);
        open.push(b'\n');
    }
    open.extend_from_slice(airlock_repodata::updateinfo::CLOSE_TAG);
    let stored = encode(&open, request.compression).map_err(Error::write_metadata)?;
    let digest = |bytes: &[u8]| {
        let mut hasher = Hasher::new(request.checksum)
            .ok_or_else(|| Error::unknown_checksum(request.checksum))?;
        hasher.update(bytes);
        Ok::<_, Error>(hasher.finish())
    };
    let mut out = blobs.writer()?;
    out.write_all(&stored).map_err(Error::write_metadata)?;
    let file = BuiltFile {
        size: stored.len() as u64,
        open_size: open.len() as u64,
        checksum: Some(digest(&stored)?),
        open_checksum: digest(&open)?,
    };
    Ok((out.finish(Some(&sha256_hex(&stored)))?.sha256, file))
}

/// Packs a document that is small beside packages' metadata.
pub(crate) fn encode(open: &[u8], compression: Compression) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::Zstd => zstd::bulk::compress(open, crate::pack::BLOCK_LEVEL),
        Compression::Gz => {
            let mut gz = flate2::GzBuilder::new()
                .mtime(0)
                .write(Vec::new(), flate2::Compression::new(6));
            gz.write_all(open)?;
            gz.finish()
        }
    }
}
