//! Backup while serving, and the way back.
//!
//! A backup is a folder: `blobs/` as in the data folder, `airlock.db` (a consistent copy of the database),
//! `airlock.toml` and `metadata-signing-key.asc` if there are, and `backup.json`, written last: without it the backup is not whole. Blobs are
//! copied after the database, so that everything the copy names is there (garbage collection does not run beside a
//! backup). A second backup into the same folder copies only what is new, reads all that is there, and replaces what is
//! damaged.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use airlock_blob::BlobStore;
use airlock_content::{Content, Error, METADATA_KEY, TaskContext};
use airlock_model::{
    Actor, CancelFlag, Cause, Clock, Instant, Progress, SilentReporter, SystemClock,
};
use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;
use crate::serve::ServeError;

const DATABASE: &str = "airlock.db";
/// The database's copy while it is written.
const FRESH: &str = "airlock.db.new";
/// Begin of the names of files that are being written.
const NEW: &str = ".new-";
const MARK: &str = "backup.json";
const FORMAT: u32 = 1;

/// What a backup holds; also the content of `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// The layout's number.
    pub format: u32,
    /// When it was made.
    pub made: Instant,
    /// SHA-256 of the database's copy.
    pub database_sha256: String,
    /// Blobs in it.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Blobs copied by this run; the others were there and were verified.
    pub copied: u64,
    /// How many of those took the place of a damaged copy.
    #[serde(default)]
    pub replaced: u64,
    /// Damaged copies of blobs that the server has no more: taken away, as a restore would refuse them.
    #[serde(default)]
    pub removed: u64,
    /// Where the audit log ended before the copy: number and hash of its last row.
    #[serde(default)]
    pub audit_head: Option<String>,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// Blobs brought back.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What `fsck` found in the new data folder; empty when all is well.
    pub findings: Vec<airlock_model::FsckFinding>,
}

/// Copies everything into `directory`.
///
/// # Errors
/// What disk and database said; then the folder has no `backup.json` and counts as no backup.
pub async fn backup(
    content: &Content,
    context: &TaskContext,
    directory: &Path,
) -> Result<BackupReport, Error> {
    let io = |source| Error::Io {
        what: format!("backup into {}", directory.display()),
        source,
    };
    if !content.db().is_exclusive() {
        return Err(Error::Conflict {
            what: "the database is a PostgreSQL, of which no backup is made here".to_owned(),
            hint: "save it by pg_dump, then the data folder: docs/operations.md has the steps",
        });
    }
    std::fs::create_dir_all(directory).map_err(io)?;
    // Before anything of the folder is changed.
    refuse_foreign(directory)?;
    std::fs::set_permissions(
        directory,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .map_err(io)?;
    let mark = directory.join(MARK);
    remove(&mark).map_err(io)?;
    context.stage("backup: database");
    let fresh = directory.join(FRESH);
    remove(&fresh).map_err(io)?;
    let audit_head = airlock_db::audit::head(content.db()).await?;
    content.db().copy_to(&fresh).await?;
    let target = BlobStore::open(directory)?;
    let (database_sha256, _) = target.hash_file(&fresh)?;
    std::fs::File::open(&fresh)
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    std::fs::rename(&fresh, directory.join(DATABASE)).map_err(io)?;
    small_files(&content.settings().data, directory).map_err(io)?;
    let begun = BackupReport {
        format: FORMAT,
        made: context.now(),
        database_sha256,
        blobs: 0,
        bytes: 0,
        copied: 0,
        replaced: 0,
        removed: 0,
        audit_head: audit_head.map(|head| head.to_string()),
    };
    let (source, worker) = (content.blobs().clone(), context.clone());
    let report = tokio::task::spawn_blocking(move || blobs(&source, &target, &worker, begun))
        .await
        .map_err(|error| Error::Internal {
            what: format!("the backup's copying ({error})"),
        })??;
    write(&mark, &report).map_err(io)?;
    Ok(report)
}

/// Files beside database and blobs that make a data folder whole, if it has them.
const SMALL_FILES: [&str; 2] = ["airlock.toml", METADATA_KEY];

/// Copies them, readable by their owner only: both may hold secrets.
fn small_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for name in SMALL_FILES {
        let mut bytes = match std::fs::File::open(from.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // The file's own mode is 0600 from the first moment.
        let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(to)?;
        std::io::copy(&mut bytes, &mut file)?;
        file.as_file().sync_all()?;
        file.persist(to.join(name)).map_err(|error| error.error)?;
    }
    Ok(())
}

fn blobs(
    source: &BlobStore,
    target: &BlobStore,
    context: &TaskContext,
    mut report: BackupReport,
) -> Result<BackupReport, Error> {
    let list = source.list()?;
    let mut there: HashSet<String> = target.list()?.into_iter().map(|blob| blob.sha256).collect();
    let total = list.len() as u64;
    let step = |done| {
        context.reporter.report(Progress {
            stage: "backup: files".to_owned(),
            done,
            total,
            unit: "files".to_owned(),
        });
        context.check()
    };
    for (blob, done) in list.iter().zip(0_u64..) {
        step(done)?;
        let found = there.remove(&blob.sha256);
        // Read, not compared with the server's own file: that may be the damaged one.
        if !found || !target.verify(&blob.sha256)? {
            copy(source, target, &blob.sha256)?;
            report.copied += 1;
            report.replaced += u64::from(found);
        }
        report.blobs += 1;
        report.bytes += blob.size;
    }
    // What the server has no more is kept, unless it is of no use.
    for sha256 in there {
        step(total)?;
        if !target.verify(&sha256)? {
            target.delete(&sha256)?;
            report.removed += 1;
        }
    }
    Ok(report)
}

/// Copies a blob and makes sure that it is what its name says.
fn copy(source: &BlobStore, target: &BlobStore, sha256: &str) -> Result<(), Error> {
    match target.copy_over(source, sha256) {
        Ok(_) => Ok(()),
        Err(airlock_blob::Error::Mismatch { .. }) => Err(Error::Damaged {
            what: format!("the stored file {sha256} does not have the content that its name says"),
        }),
        Err(error) => Err(error.into()),
    }
}

/// A folder with something else in it is not taken for a backup.
fn refuse_foreign(directory: &Path) -> Result<(), Error> {
    let io = |source| Error::Io {
        what: format!("reading {}", directory.display()),
        source,
    };
    let refused = |name: &str| Error::Conflict {
        what: format!("{} holds something else: {name}", directory.display()),
        hint: "name an empty folder, or the folder of an earlier backup",
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        names.push(
            entry
                .map_err(io)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    // What a backup begins with and what it ends with; the others alone could be of anything.
    let own = [FRESH, DATABASE, MARK];
    let known = ["blobs", "tmp"].into_iter().chain(SMALL_FILES);
    let begun = own.iter().any(|own| names.iter().any(|name| name == own));
    let known: Vec<&str> = own
        .into_iter()
        .chain(known.filter(|_| begun))
        .chain(["lost+found"])
        .collect();
    // A run that was broken off leaves temporary files.
    let temporary = |name: &str| begun && (name.starts_with(NEW) || name.starts_with(FRESH));
    let foreign = |name: &&String| !known.contains(&name.as_str()) && !temporary(name);
    match names.iter().find(foreign) {
        Some(name) => Err(refused(name)),
        None => Ok(()),
    }
}

/// Makes a data folder out of a backup, and checks what came out.
///
/// # Errors
/// When the backup is not whole or damaged, or the data folder is in use or not empty.
pub async fn restore(backup: &Path, data: &Path) -> Result<RestoreReport, ServeError> {
    let io = |source| Error::Io {
        what: format!("restoring {}", backup.display()),
        source,
    };
    let text = std::fs::read_to_string(backup.join(MARK)).map_err(|source| Error::Io {
        what: format!("{} is not a whole backup ({MARK})", backup.display()),
        source,
    })?;
    let mark: BackupReport = serde_json::from_str(&text)
        .ok()
        .filter(|mark: &BackupReport| mark.format == FORMAT)
        .ok_or_else(|| Error::Damaged {
            what: format!("{} is not of this release", backup.join(MARK).display()),
        })?;
    let folder = DataDir::open(data)?;
    let database = folder.path().join(DATABASE);
    if database.exists() {
        return Err(Error::Conflict {
            what: format!("{} holds a database already", data.display()),
            hint: "restore into a new folder; nothing is overwritten",
        }
        .into());
    }
    let source = BlobStore::open(backup)?;
    let target = BlobStore::open(folder.path())?;
    let (found, _) = source.hash_file(&backup.join(DATABASE))?;
    if found != mark.database_sha256 {
        return Err(Error::Damaged {
            what: format!(
                "{} is not the database that the backup was made of",
                backup.join(DATABASE).display()
            ),
        }
        .into());
    }
    let mut report = RestoreReport {
        blobs: 0,
        bytes: 0,
        findings: Vec::new(),
    };
    for blob in source.list()? {
        copy(&source, &target, &blob.sha256)?;
        report.blobs += 1;
        report.bytes += blob.size;
    }
    small_files(backup, folder.path()).map_err(io)?;
    if let Some(head) = &mark.audit_head {
        let head = head.parse().map_err(Error::from)?;
        airlock_content::write_audit_head(folder.path(), &head).map_err(io)?;
    }
    // The database comes last: without it the folder is no data folder, and the restore can be begun anew.
    let fresh = folder.path().join(FRESH);
    std::fs::copy(backup.join(DATABASE), &fresh).map_err(io)?;
    std::fs::File::open(&fresh)
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    std::fs::rename(&fresh, &database).map_err(io)?;
    std::fs::File::open(folder.path())
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    report.findings = check(&folder).await?;
    Ok(report)
}

async fn check(folder: &DataDir) -> Result<Vec<airlock_model::FsckFinding>, ServeError> {
    let clock: std::sync::Arc<dyn Clock> = std::sync::Arc::new(SystemClock);
    let db = airlock_db::Db::open_file(&folder.path().join(DATABASE)).await?;
    // Tasks that were running when the copy was made run nowhere now.
    airlock_db::tasks::interrupt_expired(&db, Instant(i64::MAX), clock.now()).await?;
    let settings = crate::settings::Layer {
        data: Some(folder.path().to_owned()),
        ..crate::settings::Layer::default()
    };
    let settings = settings.settle().map_err(|error| Error::Internal {
        what: error.to_string(),
    })?;
    let content = crate::serve::open_content(&settings, db, &clock)?;
    let context = TaskContext {
        actor: Actor::server(Cause::Upkeep, "restore"),
        task: None,
        operation: "restore".to_owned(),
        before_change: std::sync::Arc::new(airlock_content::Unwatched),
        reporter: std::sync::Arc::new(SilentReporter),
        cancel: CancelFlag::new(),
        clock,
    };
    let report = content.fsck(&context, false, false).await?;
    content.db().close().await;
    Ok(report.findings)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(path: &Path, report: &BackupReport) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, report)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}
