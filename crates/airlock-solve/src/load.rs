//! Reading whole metadata files into a pool: one thread opens what is compressed, the other reads.

use std::io::Read;

use airlock_repodata::compress::ReadAhead;
use airlock_repodata::cut::{Fragment, PackageCutter};
use airlock_repodata::{Limits, MetadataKind};

use crate::build::PoolBuilder;
use crate::error::Result;
use crate::files::WantedPaths;
use crate::pool::RepositoryId;

impl PoolBuilder {
    /// Adds all packages of an opened `primary.xml`. Their keys are their places in the file.
    ///
    /// # Errors
    /// [`Error::Repodata`] and those of [`PoolBuilder::add_primary`].
    pub fn read_primary(
        &mut self,
        repository: RepositoryId,
        primary: impl Read + Send + 'static,
        limits: &Limits,
    ) -> Result<()> {
        let mut key = 0;
        for_each_package(MetadataKind::Primary, primary, limits, |fragment| {
            key += 1;
            self.add_primary(repository, fragment.bytes(), key - 1)
        })
    }

    /// Looks for wanted paths in an opened `filelists.xml`.
    ///
    /// # Errors
    /// [`Error::Repodata`].
    pub fn read_filelists(
        &mut self,
        repository: RepositoryId,
        wanted: &WantedPaths,
        filelists: impl Read + Send + 'static,
        limits: &Limits,
    ) -> Result<()> {
        for_each_package(MetadataKind::Filelists, filelists, limits, |fragment| {
            self.add_filelists(repository, wanted, fragment.pkgid(), fragment.bytes())
        })
    }
}

fn for_each_package(
    kind: MetadataKind,
    file: impl Read + Send + 'static,
    limits: &Limits,
    mut take: impl FnMut(Fragment<'_>) -> Result<()>,
) -> Result<()> {
    let reader = ReadAhead::start(file).map_err(airlock_repodata::Error::from)?;
    let mut cutter = PackageCutter::new(kind, reader, *limits)?;
    while let Some(fragment) = cutter.next_package()? {
        take(fragment)?;
    }
    Ok(())
}
