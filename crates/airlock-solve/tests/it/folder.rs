//! Reading a repository folder into a pool.

use std::path::{Path, PathBuf};

use airlock_repodata::compress::open_path;
use airlock_repodata::repomd::Repomd;
use airlock_repodata::{Limits, MetadataKind};
use airlock_solve::{PoolBuilder, RepositoryId};

/// Path of a file that `repomd.xml` names, if it does.
pub fn file_of(folder: &Path, kind: &str) -> Option<PathBuf> {
    let repomd = std::fs::read(folder.join("repodata/repomd.xml")).expect("repomd.xml");
    let repomd = Repomd::parse(&repomd).expect("repomd.xml");
    let record = repomd.record(kind)?;
    Some(folder.join(&record.href))
}

/// Adds the packages of a folder.
pub fn add_primary(builder: &mut PoolBuilder, folder: &Path, label: &str) -> RepositoryId {
    let repository = builder.add_repository(label);
    let limits = Limits::default();
    let path = file_of(folder, MetadataKind::Primary.name()).expect("primary");
    let opened = open_path(&path, &limits).expect("primary");
    builder
        .read_primary(repository, opened, &limits)
        .expect("primary");
    repository
}

/// Looks up the paths that the packages of all folders ask for.
pub fn add_filelists(builder: &mut PoolBuilder, folders: &[(RepositoryId, PathBuf)]) {
    let wanted = builder.wanted_paths();
    let limits = Limits::default();
    for (repository, folder) in folders {
        let Some(path) = file_of(folder, MetadataKind::Filelists.name()) else {
            continue;
        };
        let opened = open_path(&path, &limits).expect("filelists");
        builder
            .read_filelists(*repository, &wanted, opened, &limits)
            .expect("filelists");
    }
}
