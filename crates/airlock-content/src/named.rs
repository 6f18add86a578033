//! Packages as people name them: by NEVRA, with or without the epoch, or by file name.

use std::collections::{BTreeMap, BTreeSet};

use airlock_model::Channel;
use airlock_rpm::Nevra;

use crate::pack::RecordInfo;
use crate::{Content, Error, Result};

/// A package as named, with the records that answer to the name.
pub(crate) struct Named<'i> {
    /// As it was written.
    pub item: &'i str,
    exact: Vec<u64>,
    /// Those that it names but for their epoch, as `rpm -q` does, with their NEVRAs.
    loose: Vec<(u64, String)>,
}

impl<'i> Named<'i> {
    pub(crate) fn new(item: &'i str) -> Self {
        Self {
            item,
            exact: Vec::new(),
            loose: Vec::new(),
        }
    }

    /// Notes a record if it is named.
    pub(crate) fn note(&mut self, record: u64, info: &RecordInfo<'_>) {
        if info.file_name == self.item {
            self.exact.push(record);
            return;
        }
        // A NEVRA begins with the name: only a few are worth writing down.
        if !self.item.starts_with(info.name) {
            return;
        }
        let nevra = info.nevra();
        if nevra == self.item || crate::filter::artifact(info) == self.item {
            self.exact.push(record);
        } else if without_epoch(info.name, info.version, info.release, info.arch) == self.item {
            self.loose.push((record, nevra));
        }
    }

    /// The records meant: those of that very NEVRA, else those of the one that has it but for the epoch.
    ///
    /// # Errors
    /// When packages of several epochs are named alike.
    pub(crate) fn found(self) -> Result<Vec<u64>> {
        if !self.exact.is_empty() {
            return Ok(self.exact);
        }
        let names: BTreeSet<&str> = self.loose.iter().map(|(_, nevra)| nevra.as_str()).collect();
        if names.len() > 1 {
            let names: Vec<&str> = names.into_iter().collect();
            return Err(Error::conflict(
                format!("{} may be {}", self.item, names.join(" or ")),
                "give it with its epoch",
            ));
        }
        Ok(self.loose.into_iter().map(|(record, _)| record).collect())
    }
}

fn without_epoch(name: &str, version: &str, release: &str, arch: &str) -> String {
    format!("{name}-{version}-{release}.{arch}")
}

impl Content {
    /// Notes the records of an organization that are named; one for each package, own ones first.
    pub(crate) async fn records_named(
        &self,
        channel: &Channel,
        named: &mut Named<'_>,
    ) -> Result<()> {
        let item = named.item;
        let rows = match Nevra::parse(item.strip_suffix(".rpm").unwrap_or(item)) {
            Ok(nevra) => airlock_db::records::by_name(self.db(), channel.org, &nevra.name).await?,
            Err(_) => airlock_db::records::by_file_name(self.db(), channel.org, item).await?,
        };
        let mut by_package: BTreeMap<(String, String), (bool, u64, Option<String>)> =
            BTreeMap::new();
        for row in rows {
            let nevra = row.nevra();
            let is_exact = nevra == item || row.nevra_with_epoch() == item || row.file_name == item;
            if !is_exact && without_epoch(&row.name, &row.version, &row.release, &row.arch) != item
            {
                continue;
            }
            let own = row.upstream.is_none();
            let loose = (!is_exact).then_some(nevra);
            let entry = by_package
                .entry((row.checksum_type, row.checksum))
                .or_insert((own, row.id, loose.clone()));
            if own && !entry.0 {
                *entry = (own, row.id, loose);
            }
        }
        for (_, id, loose) in by_package.into_values() {
            match loose {
                None => named.exact.push(id),
                Some(nevra) => named.loose.push((id, nevra)),
            }
        }
        Ok(())
    }
}
