//! Bringing in an upstream's `repomd.xml` and the files it names.

use std::path::Path;

use airlock_fetch::{Downloaded, Job, Progress, Small, Validators};
use airlock_model::{MetadataMode, SignaturePolicy};
use airlock_repodata::repomd::{Record, Repomd};

use super::upstream::OpenUpstream;
use crate::Error;
use crate::checksum::{Hasher, named_checksum, sha256_hex};
use crate::context::TaskContext;

/// Largest `repomd.xml` read.
const REPOMD_LIMIT: u64 = 16 << 20;
/// Largest signature read.
const SIGNATURE_LIMIT: u64 = 1 << 20;
/// Largest metadata file taken when `repomd.xml` gives no size.
const METADATA_LIMIT: u64 = 8 << 30;

/// A `repomd.xml` that was read and checked.
pub(crate) struct FetchedRepomd {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// Its detached signature, when the upstream has one.
    pub signature: Option<Vec<u8>>,
    /// What it says.
    pub repomd: Repomd,
    /// To ask with next time.
    pub validators: Validators,
    /// Newest timestamp of its files.
    pub newest_timestamp: Option<i64>,
}

/// Answer of [`fetch_repomd`].
pub(crate) enum RepomdState {
    /// The same as last time.
    Unchanged,
    /// Another one.
    Fetched(Box<FetchedRepomd>),
}

/// Reads `repomd.xml`; `known` are the validators and digest of the last sync.
pub(crate) async fn fetch_repomd(
    upstream: &OpenUpstream,
    known: Option<(&Validators, &str)>,
    ctx: &TaskContext,
) -> Result<RepomdState, Error> {
    let url = &upstream.row.url;
    let validators = known.map(|(validators, _)| validators);
    let answer = upstream
        .session
        .small(
            "repodata/repomd.xml",
            REPOMD_LIMIT,
            validators,
            &ctx.fetch_cancel(),
        )
        .await;
    let answer = match answer {
        // Nothing but its name tells a list of mirrors.
        Err(error) if error.is_not_found() && url.starts_with("http") && !url.ends_with('/') => {
            return Err(Error::bad_upstream(
                url,
                format!(
                    "{error} (no repository is there; a list of mirrors has to have mirrorlist or metalink in its name or query)"
                ),
            ));
        }
        answer => answer?,
    };
    let Small::Bytes(file) = answer else {
        return Ok(RepomdState::Unchanged);
    };
    let sha256 = sha256_hex(&file.bytes);
    if known.is_some_and(|(_, digest)| digest == sha256) {
        return Ok(RepomdState::Unchanged);
    }
    check_metalink_hash(upstream, &file.bytes)?;
    let repomd = Repomd::parse(&file.bytes).map_err(|e| {
        Error::metadata(
            &format!("{}/repodata/repomd.xml", url.trim_end_matches('/')),
            e,
        )
    })?;
    let newest_timestamp = repomd.records.iter().filter_map(|r| r.timestamp).max();
    let signature = match upstream
        .session
        .small(
            "repodata/repomd.xml.asc",
            SIGNATURE_LIMIT,
            None,
            &ctx.fetch_cancel(),
        )
        .await
    {
        Ok(Small::Bytes(file)) => Some(file.bytes),
        Ok(Small::Unchanged) => None,
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(RepomdState::Fetched(Box::new(FetchedRepomd {
        bytes: file.bytes,
        sha256,
        signature,
        repomd,
        validators: file.validators,
        newest_timestamp,
    })))
}

/// A metalink that names hashes must name this one's. Of several types the strongest known counts.
fn check_metalink_hash(upstream: &OpenUpstream, bytes: &[u8]) -> Result<(), Error> {
    let strength = |kind: &str| {
        ["sha512", "sha384", "sha256", "sha1"]
            .iter()
            .position(|k| *k == kind)
    };
    let Some(best) = upstream
        .repomd_checksums
        .iter()
        .filter_map(|(kind, _)| strength(kind))
        .min()
    else {
        return Ok(());
    };
    let mut of_best = upstream
        .repomd_checksums
        .iter()
        .filter(|(kind, _)| strength(kind) == Some(best));
    let matches = of_best.any(|(kind, value)| {
        Hasher::new(kind).is_some_and(|mut hasher| {
            hasher.update(bytes);
            hasher.finish() == value.to_ascii_lowercase()
        })
    });
    if matches {
        Ok(())
    } else {
        Err(Error::bad_upstream(
            &upstream.row.url,
            "repomd.xml has none of the checksums that the metalink names (a mirror that is behind)",
        ))
    }
}

/// Judges the repository's own signature. `Ok(Some(_))` is a warning.
pub(crate) fn check_signature(
    url: &str,
    fetched: &FetchedRepomd,
    keys: &airlock_rpm::KeyRing,
    policy: SignaturePolicy,
) -> Result<Option<String>, Error> {
    if policy == SignaturePolicy::Off || keys.is_empty() {
        return Ok(None);
    }
    let Some(signature) = &fetched.signature else {
        // Most repositories sign packages only; an absent signature is no finding.
        return Ok(None);
    };
    let rules = airlock_rpm::Policy {
        allow_sha1: true,
        ..airlock_rpm::Policy::default()
    };
    let verdict = airlock_rpm::verify_detached(&fetched.bytes, signature, keys, &rules).overall();
    if verdict.is_good() {
        return Ok(None);
    }
    let what = format!("repomd.xml.asc does not verify: {verdict}");
    match policy {
        SignaturePolicy::Require => Err(Error::bad_upstream(url, what)),
        _ => Ok(Some(format!("{url}: {what}"))),
    }
}

/// Metadata types that own metadata replaces or that would contradict it.
pub(crate) fn is_replaced(kind: &str) -> bool {
    matches!(
        kind,
        "primary"
            | "filelists"
            | "other"
            | "filelists-ext"
            | "updateinfo"
            | "prestodelta"
            | "deltainfo"
            | "susedata"
    ) || kind.ends_with("_db")
        || kind.ends_with("_zck")
}

/// The files of `repomd.xml` that a channel wants: all in verbatim mode, else those it reads or carries along.
pub(crate) fn wanted(repomd: &Repomd, mode: MetadataMode) -> Vec<&Record> {
    repomd
        .records
        .iter()
        .filter(|record| {
            mode == MetadataMode::Verbatim
                || matches!(
                    record.kind.as_str(),
                    "primary" | "filelists" | "other" | "updateinfo"
                )
                || !is_replaced(&record.kind)
        })
        .collect()
}

/// The URL of a metadata file, for messages.
pub(crate) fn file_url(upstream: &str, record: &Record) -> String {
    format!("{}/{}", upstream.trim_end_matches('/'), record.href)
}

/// The bytes that files need by what was said of them; absurd sizes add up to an absurd need and not to a small one.
pub(crate) fn bytes_needed(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// Downloads metadata files into `folder`, each verified against `repomd.xml`, in the order of `records`.
pub(crate) async fn download(
    upstream: &OpenUpstream,
    records: &[&Record],
    folder: &Path,
    ctx: &TaskContext,
) -> Result<Vec<Downloaded>, Error> {
    let url = &upstream.row.url;
    let mut jobs = Vec::with_capacity(records.len());
    for record in records {
        let checksum =
            named_checksum(&record.checksum.kind, &record.checksum.value).ok_or_else(|| {
                Error::bad_upstream(
                    url,
                    format!("repomd.xml, {}: unknown checksum", record.kind),
                )
            })?;
        let mut job = Job::new(record.href.clone(), folder)
            .checksum(checksum)
            .limit(METADATA_LIMIT);
        if let Some(size) = record.size {
            job = job.size(size);
        }
        jobs.push(job);
    }
    let mut files: Vec<Option<Downloaded>> =
        std::iter::repeat_with(|| None).take(jobs.len()).collect();
    let mut failure = None;
    // Whether all jobs ran is known by the failure.
    let _ = upstream
        .session
        .download_all(
            jobs,
            4,
            &Progress::silent(),
            &ctx.fetch_cancel(),
            |place, result| {
                let flow = match result {
                    Ok(file) => {
                        if let Some(slot) = files.get_mut(place) {
                            *slot = Some(file);
                        }
                        std::ops::ControlFlow::Continue(())
                    }
                    Err(error) => {
                        failure.get_or_insert(error);
                        std::ops::ControlFlow::Break(())
                    }
                };
                std::future::ready(flow)
            },
        )
        .await?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    files
        .into_iter()
        .map(|file| file.ok_or(Error::Cancelled))
        .collect()
}
