//! What a client gets at a path of a version: paths are looked up, never opened.

use std::path::PathBuf;

use airlock_model::{Instant, Policy};
use bytes::Bytes;

use crate::arriving::Arriving;
use crate::location::parse_location;
use crate::resolve::ResolvedVersion;
use crate::{Content, Error, Result};

/// The media type of a package.
pub(crate) const PACKAGE: &str = "application/x-rpm";

/// An answer to a client.
pub enum Served {
    /// A small file held in memory.
    Bytes {
        /// The content.
        bytes: Bytes,
        /// Its SHA-256.
        sha256: String,
        /// When its version became current.
        modified: Instant,
        /// Its media type.
        content_type: &'static str,
    },
    /// A blob on the local disk.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Bytes.
        size: u64,
        /// Its SHA-256.
        sha256: String,
        /// When its version became current.
        modified: Instant,
        /// Its media type.
        content_type: &'static str,
    },
    /// A package on its way from its upstream (`on-demand`).
    Arriving(Arriving),
    /// The client fetches it from the upstream itself (`metadata-only`).
    Redirect {
        /// Where.
        url: String,
    },
}

/// Moves of "current" that metadata is looked for in.
const LOOK_BACK: usize = 16;
/// Moves of "current" that packages are looked for in: each costs a query, and anybody may ask for what never was.
const LOOK_BACK_FOR_PACKAGES: usize = 4;

/// A package found in a version.
#[derive(Debug, Clone)]
pub(crate) struct FoundPackage {
    pub record: u64,
    pub upstream: Option<airlock_model::UpstreamId>,
    pub checksum_type: String,
    pub checksum: String,
    pub size: u64,
    pub file_name: String,
    pub href: Option<String>,
}

impl Content {
    /// Finds what is served at `path` (already percent-decoded, no leading slash) of a version.
    ///
    /// # Errors
    /// Kind `NotFound` when nothing is served there; `Upstream` when an on-demand package cannot be fetched.
    pub async fn open_path(&self, version: &ResolvedVersion, path: &str) -> Result<Served> {
        let published = &version.published;
        let modified = published.instant;
        let root = |bytes: &Bytes, content_type| Served::Bytes {
            bytes: bytes.clone(),
            sha256: crate::checksum::sha256_hex(bytes),
            modified,
            content_type,
        };
        match path {
            "repodata/repomd.xml" => return Ok(root(&published.repomd, "text/xml")),
            "repodata/repomd.xml.asc" => {
                const SIGNATURE: &str = "application/pgp-signature";
                let signs = version.channel.sign_metadata;
                match &published.repomd_asc {
                    Some(signature) if !signs || published.mode == "own" => {
                        return Ok(root(signature, SIGNATURE));
                    }
                    // Made before the channel was told to sign: clients that check signatures reach it all the same.
                    _ if signs => {
                        let signature = published
                            .later_asc
                            .get_or_try_init(|| async {
                                self.sign(&published.repomd).await.map(Bytes::from)
                            })
                            .await?;
                        return Ok(root(signature, SIGNATURE));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        if let Some(file) = published.files.files.iter().find(|f| f.path == path) {
            let blob = self.metadata_blob(version, file).await?;
            return Ok(Served::File {
                path: blob,
                size: file.size,
                sha256: file.sha256.clone(),
                modified,
                content_type: content_type(path),
            });
        }
        if let Some(served) = self.older_metadata(version, path).await? {
            return Ok(served);
        }
        if let Some(package) = self.find_package(version, path).await? {
            return self.serve_package(version, package).await;
        }
        // A client that read the metadata before a switch goes on installing from it.
        for older in self
            .versions_before(version, LOOK_BACK_FOR_PACKAGES)
            .await?
        {
            if let Some(package) = self.find_package(&older, path).await? {
                return self.serve_package(&older, package).await;
            }
        }
        Err(Error::NoFile {
            label: format!("{}@{}", version.label(), version.number),
            path: path.chars().take(200).collect(),
        })
    }

    /// Versions that were current a short while ago, newest first; none below a label that names its version.
    async fn versions_before(
        &self,
        version: &ResolvedVersion,
        most: usize,
    ) -> Result<Vec<ResolvedVersion>> {
        let mut list = Vec::new();
        if version.pinned {
            return Ok(list);
        }
        for number in
            airlock_db::versions::recent_current(self.db(), version.channel.id, most).await?
        {
            if number != version.number {
                list.push(ResolvedVersion {
                    published: self.published(&version.channel, number).await?,
                    number,
                    ..version.clone()
                });
            }
        }
        Ok(list)
    }

    /// Metadata of versions that were current a short while ago, asked for below the plain label by a client that read
    /// `repomd.xml` before the switch.
    async fn older_metadata(
        &self,
        version: &ResolvedVersion,
        path: &str,
    ) -> Result<Option<Served>> {
        if !path.starts_with("repodata/") {
            return Ok(None);
        }
        for older in self.versions_before(version, LOOK_BACK).await? {
            if let Some(file) = older.published.files.files.iter().find(|f| f.path == path) {
                let blob = self.metadata_blob(&older, file).await?;
                return Ok(Some(Served::File {
                    path: blob,
                    size: file.size,
                    sha256: file.sha256.clone(),
                    modified: older.published.instant,
                    content_type: content_type(path),
                }));
            }
        }
        Ok(None)
    }

    async fn find_package(
        &self,
        version: &ResolvedVersion,
        path: &str,
    ) -> Result<Option<FoundPackage>> {
        let published = &version.published;
        if published.mode == "verbatim" {
            let file_name = path.rsplit('/').next().unwrap_or(path);
            let rows =
                airlock_db::records::by_file_name(self.db(), version.org(), file_name).await?;
            return Ok(rows
                .into_iter()
                .find(|row| published.records.contains(row.id) && row.href.as_deref() == Some(path))
                .map(found));
        }
        let Some((file_name, digits)) = parse_location(path) else {
            return Ok(None);
        };
        let mut rows =
            airlock_db::records::by_file_name(self.db(), version.org(), file_name).await?;
        rows.retain(|row| published.records.contains(row.id));
        // Record order is the order in which locations were given out.
        rows.sort_by_key(|row| row.id);
        let mut rows = rows.into_iter();
        let first = rows.next();
        let row = match digits {
            None => first,
            Some(digits) => rows.find(|row| row.checksum.starts_with(digits)),
        };
        // The letter of the path must be right as well, so that a package has one URL only.
        Ok(row
            .filter(|row| {
                crate::location::location(&row.file_name, digits.map(|_| row.checksum.as_str()))
                    == path
            })
            .map(found))
    }

    async fn serve_package(
        &self,
        version: &ResolvedVersion,
        package: FoundPackage,
    ) -> Result<Served> {
        let key = (package.checksum_type.clone(), package.checksum.clone());
        let held = self
            .held_files(version.org(), std::iter::once(key.clone()))
            .await?;
        if let Some(sha256) = held.get(&key) {
            self.judge_held(&version.channel, &package, sha256).await?;
            return self.package_file(version.published.instant, sha256);
        }
        let package = self.with_source(version.org(), package).await?;
        match (version.channel.policy, package.href.is_some()) {
            (_, false) => Err(Error::damaged(format!(
                "{} is not in the store",
                package.file_name
            ))),
            (Policy::MetadataOnly, true) => match self.redirect_target(&package).await? {
                Some(url) => Ok(Served::Redirect { url }),
                // Nobody can be redirected to a local folder, a list of mirrors, or a place that asks for our secrets:
                // the verified file is served instead.
                None => self.fetch_on_demand(version, package).await,
            },
            (Policy::OnDemand | Policy::Immediate, true) => {
                self.fetch_on_demand(version, package).await
            }
        }
    }

    pub(crate) fn package_file(&self, modified: Instant, sha256: &str) -> Result<Served> {
        let path = self.blobs().path(sha256)?;
        let size = std::fs::metadata(&path)
            .map_err(|e| Error::io(path.display().to_string(), e))?
            .len();
        Ok(Served::File {
            path,
            size,
            sha256: sha256.to_owned(),
            modified,
            content_type: PACKAGE,
        })
    }
}

fn found(row: airlock_db::records::FoundRecord) -> FoundPackage {
    FoundPackage {
        record: row.id,
        upstream: row.upstream,
        checksum_type: row.checksum_type,
        checksum: row.checksum,
        size: row.size,
        file_name: row.file_name,
        href: row.href,
    }
}

/// The media type of a metadata file.
#[must_use]
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("xml") => "text/xml",
        Some("gz") => "application/gzip",
        Some("zst") => "application/zstd",
        Some("xz") => "application/x-xz",
        Some("bz2") => "application/x-bzip2",
        Some("yaml") => "application/yaml",
        Some("rpm") => PACKAGE,
        Some("asc") => "application/pgp-signature",
        _ => "application/octet-stream",
    }
}
