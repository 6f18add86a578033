//! Packages of yum repositories, over http, https or in a folder.

use std::path::PathBuf;

use airlock_fetch::{
    Algorithm, Cancel, Checksum, Fetcher, Job, PemSource, Progress, Session, Settings, Small,
    Upstream, Url,
};
use airlock_repodata::cut::PackageCutter;
use airlock_repodata::primary::summarize;
use airlock_repodata::repomd::{Record, Repomd};
use airlock_repodata::{Limits, MetadataKind, compress};

use super::{Available, Listener, Origin, Packages};
use crate::pkgmgr::error::{Error, Result};

/// Bytes of a `repomd.xml`.
const LARGEST_REPOMD: u64 = 16 << 20;
/// Bytes of a stored primary.
const LARGEST_PRIMARY: u64 = 1 << 30;

/// What an address without a slash at its end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The folder of that name.
    Folder,
    /// What is beside it: the last part of the path falls away, as URLs are joined and the old tools did it.
    AsUrl,
}

/// How repositories are reached.
#[derive(Debug, Clone)]
pub struct RepositorySettings {
    /// What an address without a slash at its end means.
    pub join: Join,
    /// PEM file of the authorities to trust in place of the machine's.
    pub ca: Option<PathBuf>,
    /// A proxy for http and https.
    pub proxy: Option<String>,
}

/// Reads the packages of repositories.
///
/// # Errors
/// [`Error::Address`], [`Error::Fetch`] and [`Error::Repository`], with the repository that is meant.
pub async fn load_repositories(
    addresses: &[String],
    settings: &RepositorySettings,
    listener: &mut dyn Listener,
) -> Result<Packages> {
    // A person waits: give up after seconds, not minutes.
    let fetcher = Fetcher::new(Settings {
        retries: 2,
        back_off_most: std::time::Duration::from_secs(2),
        ..Settings::default()
    });
    let mut packages = Packages {
        origin: Origin::Repositories,
        all: Vec::new(),
    };
    for address in addresses {
        let base = base(address, settings.join)?;
        let mut upstream = Upstream::new(base.clone());
        upstream.ca = settings.ca.clone().map(PemSource::File);
        upstream.proxy = settings.proxy.as_deref().map(parsed).transpose()?;
        let at = |path: &str| {
            base.join(path)
                .map_or_else(|_| path.to_owned(), String::from)
        };
        let repomd_url = at("repodata/repomd.xml");
        listener.repository(&repomd_url);
        let failed = |url: &str| {
            let url = url.to_owned();
            move |error| fetch_error(url, error)
        };
        let session = fetcher
            .start(&upstream)
            .await
            .map_err(failed(&repomd_url))?;
        let cancel = Cancel::new();
        let got = session.small("repodata/repomd.xml", LARGEST_REPOMD, None, &cancel);
        let repomd = match got.await.map_err(failed(&repomd_url))? {
            Small::Bytes(file) => Repomd::parse(&file.bytes),
            Small::Unchanged => Ok(Repomd::default()),
        };
        let flawed = |source| Error::Repository {
            url: shown(&base),
            source,
        };
        let repomd = repomd.map_err(flawed)?;
        // A repomd without primary is refused when it is read.
        let Some(record) = repomd.record("primary") else {
            continue;
        };
        let primary_url = at(&record.href);
        listener.primary(&primary_url);
        let file = download(&session, record, &cancel).await;
        let file = file.map_err(failed(&primary_url))?;
        read(file.path(), record, &mut packages.all, listener)
            .map_err(|error| flawed(error.in_file(&record.href)))?;
        listener.done();
    }
    Ok(packages)
}

fn parsed(address: &str) -> Result<Url> {
    Url::parse(address).map_err(|error| Error::Address {
        url: address.to_owned(),
        why: error.to_string(),
    })
}

fn base(address: &str, join: Join) -> Result<Url> {
    let mut url = parsed(address)?;
    if !["http", "https", "file"].contains(&url.scheme()) {
        return Err(Error::Address {
            url: address.to_owned(),
            why: format!("{} is not spoken", url.scheme()),
        });
    }
    if join == Join::Folder && !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.join("./").map_err(|error| Error::Address {
        url: address.to_owned(),
        why: error.to_string(),
    })
}

/// An address as it may be shown: without user and password.
fn shown(url: &Url) -> String {
    airlock_fetch::ShownUrl::new(url).to_string()
}

fn fetch_error(url: String, error: airlock_fetch::Error) -> Error {
    let mut inner = &error;
    while let airlock_fetch::Error::AllMirrors { last, .. } = inner {
        inner = last;
    }
    let status = match inner {
        airlock_fetch::Error::Status { status, .. } => Some(*status),
        _ => None,
    };
    Error::Fetch {
        url: Url::parse(&url).map_or(url, |url| shown(&url)),
        status,
        source: Box::new(error),
    }
}

struct Fetched {
    downloaded: airlock_fetch::Downloaded,
    /// Removed behind the file.
    _folder: tempfile::TempDir,
}

impl Fetched {
    fn path(&self) -> &std::path::Path {
        self.downloaded.path()
    }
}

async fn download(
    session: &Session,
    record: &Record,
    cancel: &Cancel,
) -> airlock_fetch::Result<Fetched> {
    let folder = tempfile::tempdir().map_err(|source| airlock_fetch::Error::Io {
        path: std::env::temp_dir(),
        action: "cannot make a folder in it",
        source,
    })?;
    let mut job = Job::new(record.href.as_str(), folder.path()).limit(LARGEST_PRIMARY);
    job.size = record.size;
    let algorithm = match record.checksum.kind.as_str() {
        "md5" => Some(Algorithm::Md5),
        "sha" | "sha1" => Some(Algorithm::Sha1),
        "sha224" => Some(Algorithm::Sha224),
        "sha256" => Some(Algorithm::Sha256),
        "sha384" => Some(Algorithm::Sha384),
        "sha512" => Some(Algorithm::Sha512),
        _ => None,
    };
    if let Some(algorithm) = algorithm {
        job = job.checksum(Checksum::new(algorithm, &record.checksum.value)?);
    }
    let downloaded = session.download(&job, &Progress::silent(), cancel).await?;
    Ok(Fetched {
        downloaded,
        _folder: folder,
    })
}

fn read(
    path: &std::path::Path,
    record: &Record,
    all: &mut Vec<Available>,
    listener: &mut dyn Listener,
) -> airlock_repodata::Result<()> {
    let limits = Limits::default().with_open_size(record.open_size);
    let opened = compress::open_path(path, &limits)?;
    let mut cutter = PackageCutter::new(MetadataKind::Primary, opened, limits)?;
    while let Some(fragment) = cutter.next_package()? {
        let summary = summarize(fragment.bytes())?;
        let known = |seconds: i64| (seconds > 0).then_some(seconds);
        all.push(Available {
            name: summary.name.into_owned(),
            // 32 bits were checked.
            epoch: Some(u32::try_from(summary.epoch).unwrap_or(u32::MAX)),
            version: summary.version.into_owned(),
            release: summary.release.into_owned(),
            arch: summary.arch.into_owned(),
            file: summary.href.into_owned(),
            built: known(summary.time_build),
            modified: known(summary.time_file),
        });
        listener.package();
    }
    Ok(())
}
