//! Putting new packs into the store and their records into the database.

use airlock_db::records::{NewPackRow, RecordRow};
use airlock_model::{OrgId, UpstreamId};
use roaring::RoaringTreemap;

use crate::ingest::NewRecord;
use crate::pack::{Part, PartSpool, assemble};
use crate::view::{VersionView, ViewPack};
use crate::{Content, Error, Result};

/// Three spools growing together: a pack of own records in the making.
pub(crate) struct OwnPack {
    parts: [PartSpool; 3],
    rows: Vec<NewRecord>,
}

impl OwnPack {
    pub(crate) fn new(scratch: &std::path::Path) -> Result<Self> {
        let [primary, filelists, other] = Part::ALL.map(|part| PartSpool::new(part, scratch));
        Ok(Self {
            parts: [primary?, filelists?, other?],
            rows: Vec::new(),
        })
    }

    /// Adds a package; returns its position in the pack.
    pub(crate) fn add(
        &mut self,
        record: NewRecord,
        fragments: &airlock_repodata::package::Fragments,
    ) -> Result<usize> {
        let key = hex::decode(&record.checksum).unwrap_or_default();
        for (spool, fragment) in
            self.parts
                .iter_mut()
                .zip([&fragments.primary, &fragments.filelists, &fragments.other])
        {
            spool.append(&key, fragment)?;
        }
        self.rows.push(record);
        Ok(self.rows.len() - 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Content {
    /// Writes an own pack into the store and its records into the database; returns the id of the first.
    pub(crate) async fn store_own_pack(&self, org: OrgId, pack: OwnPack) -> Result<u64> {
        let (blob, rows) = self
            .blocking("writing a pack", move |content| {
                let OwnPack { parts, rows } = pack;
                let [primary, filelists, other] = parts;
                let parts = [primary.finish()?, filelists.finish()?, other.finish()?];
                let mut out = content.blobs().writer()?;
                assemble(
                    parts,
                    |position| {
                        rows.get(position)
                            .map_or_else(Default::default, NewRecord::info)
                    },
                    content.scratch(),
                    &mut out,
                )?;
                Ok((out.finish(None)?, rows))
            })
            .await?;
        self.store_pack_rows(org, None, &blob, &rows).await
    }

    /// Writes the rows of a pack that is in the store already; returns the id of its first record.
    pub(crate) async fn store_pack_rows(
        &self,
        org: OrgId,
        upstream: Option<UpstreamId>,
        blob: &airlock_blob::Stored,
        rows: &[NewRecord],
    ) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let first = airlock_db::records::reserve(&mut tx, rows.len()).await?;
        let pack = NewPackRow {
            org,
            upstream,
            first_record: first,
            records: rows.len() as u64,
            sha256: &blob.sha256,
            size: blob.size,
            created: self.now(),
        };
        airlock_db::records::insert_pack(&mut tx, &pack).await?;
        let rows: Vec<RecordRow<'_>> = rows
            .iter()
            .enumerate()
            .map(|(position, row)| RecordRow {
                id: first + position as u64,
                org,
                upstream,
                checksum_type: &row.checksum_type,
                checksum: &row.checksum,
                name: &row.name,
                epoch: row.epoch,
                version: &row.version,
                release: &row.release,
                arch: &row.arch,
                size: row.size,
                file_name: &row.file_name,
                href: (!row.href.is_empty()).then_some(row.href.as_str()),
                build_time: row.build_time,
            })
            .collect();
        airlock_db::records::insert_records(&mut tx, &rows).await?;
        tx.commit().await?;
        Ok(first)
    }

    /// A view of a set of records.
    pub(crate) async fn view(&self, records: RoaringTreemap) -> Result<VersionView> {
        let rows = airlock_db::records::packs_covering(self.db(), &records).await?;
        self.blocking("reading pack indexes", move |content| {
            let packs = rows
                .into_iter()
                .map(|row| {
                    let index = content.pack_index(&row.sha256)?;
                    if index.len() as u64 != row.records {
                        return Err(Error::damaged(format!(
                            "pack {} has another number of records than its row",
                            row.sha256
                        )));
                    }
                    Ok(ViewPack {
                        first_record: row.first_record,
                        sha256: row.sha256,
                        index,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(VersionView { packs, records })
        })
        .await
    }
}
