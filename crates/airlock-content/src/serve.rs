//! What a client gets at a path of a version: paths are looked up, never opened.

use std::path::PathBuf;

use airlock_db::records::FoundRecord;
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

/// Files of what was current within this time are found below the plain label.
const LOOK_BACK_SECONDS: i64 = 86_400;
/// Moves of "current" that are looked at in any case, however old: clients keep what they read for days.
const LOOK_BACK_MOVES: usize = 16;
/// Moves of "current" that are looked at in that time: anybody may ask for what never was.
const MOST_LOOKED_AT: usize = 200;

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
    /// Kind `NotFound` when nothing is served there; `Upstream` when an on-demand package cannot be fetched, or what came
    /// is refused.
    pub async fn open_path(&self, version: &ResolvedVersion, path: &str) -> Result<Served> {
        self.find_path(version, path).await.map_err(|error| {
            match error.cause() {
                // The client asked for the right thing; what the upstream has is not good enough.
                Error::BadPackage { file, why } => Error::NotServed {
                    file: file.clone(),
                    why: why.clone(),
                },
                _ => error,
            }
        })
    }

    async fn find_path(&self, version: &ResolvedVersion, path: &str) -> Result<Served> {
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
                    // The server's own where the channel signs; the upstream's where it does not. A channel that was
                    // told to sign no more has no signature from then on, as it has neither key nor repo_gpgcheck:
                    // who still checks hears of it now, and not some day when the next version comes.
                    Some(signature) if signs == (published.mode == "own") => {
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
        if let Some((older, package)) = self.older_package(version, path).await? {
            return self.serve_package(&older, package).await;
        }
        if let Some(url) = self.tree_elsewhere(version, path).await? {
            return Ok(Served::Redirect { url });
        }
        Err(Error::NoFile {
            label: format!("{}@{}", version.label(), version.number),
            path: path.chars().take(200).collect(),
        })
    }

    /// Where a client gets a file of an installation tree of which nothing is held here (`metadata-only`): only below the
    /// plain label, for nothing is known of trees that were.
    async fn tree_elsewhere(
        &self,
        version: &ResolvedVersion,
        path: &str,
    ) -> Result<Option<String>> {
        let channel = &version.channel;
        let elsewhere =
            path.starts_with("repodata/") || path.ends_with(".rpm") || path.contains(':');
        if version.pinned || elsewhere || channel.policy != Policy::MetadataOnly {
            return Ok(None);
        }
        for upstream in &channel.upstreams {
            let row = airlock_db::channels::upstream_with_secrets(self.db(), upstream.id).await?;
            let url = row.and_then(|row| crate::sync::upstream::for_clients(&row, path));
            if let Some(url) = url {
                return Ok(Some(url.into()));
            }
        }
        Ok(None)
    }

    /// Numbers of the versions that were current a short while ago, newest first; none below a label that names its
    /// version.
    async fn versions_before(&self, version: &ResolvedVersion) -> Result<Vec<i64>> {
        if version.pinned {
            return Ok(Vec::new());
        }
        let id = version.channel.id;
        let moves = airlock_db::versions::recent_current(self.db(), id, MOST_LOOKED_AT).await?;
        let cutoff = self.now().plus_seconds(-LOOK_BACK_SECONDS);
        let mut numbers = Vec::new();
        // A version was current until the next one came.
        let mut until = None;
        for (place, (number, since)) in moves.into_iter().enumerate() {
            if place >= LOOK_BACK_MOVES && until.is_some_and(|until| until < cutoff) {
                break;
            }
            until = Some(since);
            if number != version.number && !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// A channel's other version.
    async fn beside(&self, version: &ResolvedVersion, number: i64) -> Result<ResolvedVersion> {
        Ok(ResolvedVersion {
            published: self.published(&version.channel, number).await?,
            number,
            ..version.clone()
        })
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
        for number in self.versions_before(version).await? {
            let older = self.beside(version, number).await?;
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
        let rows = self.records_at(version, path).await?;
        Ok(package_at(version, path, &rows))
    }

    /// A package of a version that was current a short while ago.
    async fn older_package(
        &self,
        version: &ResolvedVersion,
        path: &str,
    ) -> Result<Option<(ResolvedVersion, FoundPackage)>> {
        // What never was is asked for too: it costs one question. Own and verbatim metadata name files alike.
        let file_name = path.rsplit('/').next().unwrap_or(path);
        let rows = airlock_db::records::by_file_name(self.db(), version.org(), file_name).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        for number in self.versions_before(version).await? {
            let older = self.beside(version, number).await?;
            if let Some(package) = package_at(&older, path, &rows) {
                return Ok(Some((older, package)));
            }
        }
        Ok(None)
    }

    /// Records, of whatever version, with the file name that a path ends with.
    async fn records_at(&self, version: &ResolvedVersion, path: &str) -> Result<Vec<FoundRecord>> {
        let file_name = if version.published.mode == "verbatim" {
            path.rsplit('/').next().unwrap_or(path)
        } else {
            match parse_location(path) {
                Some((file_name, _)) => file_name,
                None => return Ok(Vec::new()),
            }
        };
        Ok(airlock_db::records::by_file_name(self.db(), version.org(), file_name).await?)
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

/// The package of a version that lies at a path, out of the records with its file name.
fn package_at(version: &ResolvedVersion, path: &str, rows: &[FoundRecord]) -> Option<FoundPackage> {
    let published = &version.published;
    let mut rows: Vec<&FoundRecord> = rows
        .iter()
        .filter(|row| published.records.contains(row.id))
        .collect();
    if published.mode == "verbatim" {
        let row = rows
            .into_iter()
            .find(|row| row.href.as_deref() == Some(path));
        return row.cloned().map(found);
    }
    let (_, digits) = parse_location(path)?;
    // Record order is the order in which locations were given out.
    rows.sort_by_key(|row| row.id);
    let mut rows = rows.into_iter();
    let first = rows.next();
    let row = match digits {
        None => first,
        Some(digits) => rows.find(|row| row.checksum.starts_with(digits)),
    };
    // The letter of the path must be right as well, so that a package has one URL only.
    row.filter(|row| {
        crate::location::location(&row.file_name, digits.map(|_| row.checksum.as_str())) == path
    })
    .cloned()
    .map(found)
}

fn found(row: FoundRecord) -> FoundPackage {
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
