//! updateinfo becomes erratum revisions: immutable, by digest, so that a vendor's edit is a new revision.

use std::collections::HashMap;
use std::path::Path;

use airlock_model::{ErratumRevisionId, Instant, OrgId, SeverityCounts};
use airlock_repodata::{Limits, compress, updateinfo};
use roaring::RoaringTreemap;

use crate::checksum::sha256_hex;
use crate::{Content, Error, Result};

/// An erratum as read from updateinfo.
pub(crate) struct ReadErratum {
    pub advisory: String,
    pub digest: String,
    pub kind: String,
    pub severity: String,
    pub title: String,
    pub issued_us: Option<i64>,
    pub updated_us: Option<i64>,
    pub cves: Vec<String>,
    pub packages: Vec<String>,
    pub fragment: Vec<u8>,
}

/// Reads an updateinfo file. Of an advisory that stands there twice the later entry counts, as for dnf.
pub(crate) fn read(url: &str, path: &Path, open_size: Option<u64>) -> Result<Vec<ReadErratum>> {
    let bad = |e| Error::metadata(url, e);
    let limits = Limits::default().with_open_size(open_size);
    let bytes = compress::open_path(path, &limits)
        .and_then(compress::Opened::into_document)
        .map_err(bad)?;
    let updates = updateinfo::Updates::new(&bytes, &limits).map_err(bad)?;
    let mut list: Vec<ReadErratum> = Vec::new();
    let mut places = HashMap::new();
    for raw in updates.iter() {
        let raw = raw.map_err(bad)?;
        let update = raw.update;
        let fragment = raw.xml.into_owned().into_bytes();
        // A date that nobody can write down again is none.
        let micros = |seconds: Option<i64>| {
            let instant = seconds.map(Instant::from_seconds);
            instant.and_then(Instant::writable).map(|at| at.0)
        };
        let erratum = ReadErratum {
            digest: sha256_hex(&fragment),
            advisory: update.id.clone(),
            kind: update.kind.clone().unwrap_or_default(),
            severity: update.severity.clone().unwrap_or_default(),
            title: update.title.clone(),
            issued_us: micros(update.issued_time()),
            updated_us: micros(update.updated_time()),
            cves: update.cves().into_iter().map(str::to_owned).collect(),
            packages: file_names(&update),
            fragment,
        };
        if erratum.advisory.is_empty() {
            continue;
        }
        match places.get(&erratum.advisory) {
            Some(place) => {
                if let Some(slot) = list.get_mut(*place) {
                    *slot = erratum;
                }
            }
            None => {
                places.insert(erratum.advisory.clone(), list.len());
                list.push(erratum);
            }
        }
    }
    Ok(list)
}

/// File names of an erratum's packages; made from the NEVRA where the vendor left them out.
fn file_names(update: &updateinfo::Update) -> Vec<String> {
    let mut names: Vec<String> = update
        .collections
        .iter()
        .flat_map(|collection| &collection.packages)
        .map(|p| {
            match p
                .filename
                .as_deref()
                .and_then(|name| name.rsplit('/').next())
            {
                Some(name) if !name.is_empty() => name.to_owned(),
                _ => format!("{}-{}-{}.{}.rpm", p.name, p.version, p.release, p.arch),
            }
        })
        .map(|name| name.replace('\n', " "))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Content {
    /// Stores what is new of the errata and returns the set of their revisions.
    pub(crate) async fn store_errata(
        &self,
        org: OrgId,
        errata: &[ReadErratum],
    ) -> Result<RoaringTreemap> {
        let mut set = RoaringTreemap::new();
        if errata.is_empty() {
            return Ok(set);
        }
        let now = self.now();
        let rows: Vec<airlock_db::errata::NewRevision<'_>> = errata
            .iter()
            .map(|e| airlock_db::errata::NewRevision {
                advisory: &e.advisory,
                digest: &e.digest,
                kind: &e.kind,
                severity: &e.severity,
                title: &e.title,
                issued_us: e.issued_us,
                updated_us: e.updated_us,
                cves: &e.cves,
                packages: &e.packages,
                fragment: &e.fragment,
            })
            .collect();
        let ids: Vec<ErratumRevisionId> =
            airlock_db::errata::ensure_revisions(self.db(), org, &rows, now).await?;
        set.extend(ids.into_iter().filter_map(|id| u64::try_from(id.0).ok()));
        Ok(set)
    }

    /// Counts the errata of `after` that are not in `before`, by severity.
    pub(crate) async fn count_new_errata(
        &self,
        before: &RoaringTreemap,
        after: &RoaringTreemap,
    ) -> Result<SeverityCounts> {
        let mut counts = SeverityCounts::default();
        for row in airlock_db::errata::load(self.db(), &(after - before)).await? {
            counts.count(&row.severity);
        }
        Ok(counts)
    }
}
