//! Connections: one writer and a few readers on SQLite, a pool on PostgreSQL.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use airlock_model::{Fault, Faults};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Connection as _, Executor as _, Transaction};

use crate::dialect::Dialect;
use crate::{Error, Result, migrate};

/// Connections that read on SQLite; each has a page cache of its own.
const SQLITE_READERS: u32 = 3;
/// Connections replaced for one change at most.
const MOST_REPLACED: u32 = 3;
/// How long PostgreSQL may take to answer at the start.
const ANSWER: Duration = Duration::from_secs(10);
/// Connections on PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;

/// What every SQLite connection is told. FULL: what was acknowledged survives a power loss (threats-and-faults 0.5).
const SQLITE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA busy_timeout = 10000; PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;";

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    dialect: Dialect,
    reader: AnyPool,
    writer: AnyPool,
    faults: Faults,
}

/// A change in the making; dropped without [`Tx::commit`] nothing of it stays.
pub struct Tx {
    pub(crate) inner: Transaction<'static, Any>,
    pub(crate) dialect: Dialect,
    faults: Faults,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the embedded database in a file (made when it is not there) and brings its schema up to date. Only its
    /// owner may read the file: it holds hashes of passwords and credentials for upstreams.
    ///
    /// # Errors
    /// When it cannot be opened, or was written by a newer release.
    pub async fn open_file(path: &Path) -> Result<Self> {
        Self::open_path(path, Faults::default()).await
    }

    async fn open_path(path: &Path, faults: Faults) -> Result<Self> {
        let text = path
            .to_str()
            .ok_or_else(|| Error::BadUrl(path.display().to_string()))?;
        make_private(path).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })?;
        let escaped: String = text
            .bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() || b"/-._~".contains(&b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect();
        let url = format!("sqlite://{escaped}?mode=rwc");
        Self::connect(Dialect::Sqlite, &url, faults).await
    }

    /// Opens a database by URL: `postgres://…`, or a path of the embedded one.
    ///
    /// # Errors
    /// As [`Self::open_file`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, Faults::default()).await
    }

    /// The same with faults on order, for tests: a change can fail at its begin, and before and after its commit.
    ///
    /// # Errors
    /// As [`Self::open_file`].
    pub async fn open_with(url: &str, faults: Faults) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::connect(Dialect::Postgres, url, faults).await
        } else if let Some(path) = url.strip_prefix("sqlite://") {
            Self::open_path(Path::new(path), faults).await
        } else if url.contains("://") {
            // The URL may hold a password, so only its scheme is shown.
            Err(Error::BadUrl(
                url.split("://").next().unwrap_or_default().to_owned(),
            ))
        } else {
            Self::open_path(Path::new(url), faults).await
        }
    }

    async fn connect(dialect: Dialect, url: &str, faults: Faults) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let options = AnyConnectOptions::from_str(url)?;
        let pool = |most: u32| {
            AnyPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(60))
                // Without these two the pool has no maintenance task. That one counts idle connections with a counter
                // that goes below zero for a moment when a connection is taken while it is put back (sqlx-core 0.9.0,
                // pool/inner.rs), and then goes round for years on a processor of its own.
                .idle_timeout(None)
                .max_lifetime(None)
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        if dialect == Dialect::Sqlite {
                            connection.execute(SQLITE_SETTINGS).await?;
                        }
                        Ok(())
                    })
                })
        };
        let (reader, writer) = match dialect {
            Dialect::Sqlite => {
                // As with PostgreSQL: the pool would try for its whole waiting time, and not say what is wrong. The
                // first connection stays until there is another, since the last one to go cleans up.
                let mut first = sqlx::AnyConnection::connect_with(&options).await?;
                first.execute(SQLITE_SETTINGS).await?;
                let writer = pool(1).connect_with(options.clone()).await?;
                first.close().await?;
                (pool(SQLITE_READERS).connect_lazy_with(options), writer)
            }
            Dialect::Postgres => {
                reach(url, &options).await?;
                let both = pool(POSTGRES_CONNECTIONS).connect_with(options).await?;
                (both.clone(), both)
            }
        };
        let db = Self(Arc::new(Pools {
            dialect,
            reader,
            writer,
            faults,
        }));
        migrate::run(&db).await?;
        Ok(db)
    }

    /// Begins a change. On SQLite it waits for the change before it: there is one writer.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<Tx> {
        self.0.faults.step("begin").map_err(injected)?;
        let inner = match self.0.dialect {
            Dialect::Sqlite => self.begin_embedded().await?,
            Dialect::Postgres => self.0.writer.begin().await?,
        };
        Ok(Tx {
            inner,
            dialect: self.0.dialect,
            faults: self.0.faults.clone(),
        })
    }

    /// A full disk makes SQLite take a transaction back by itself. The driver's count of open ones stays one too high
    /// then, and the connection would refuse every further change: it is replaced.
    async fn begin_embedded(&self) -> Result<Transaction<'static, Any>> {
        let mut replaced = 0;
        loop {
            match self.0.writer.begin_with("BEGIN IMMEDIATE").await {
                Err(sqlx::Error::InvalidSavePointStatement) if replaced < MOST_REPLACED => {
                    replaced += 1;
                    let spent = self.0.writer.acquire().await?;
                    // Whatever it says in parting, it is gone.
                    let _ = spent.close().await;
                }
                begun => return Ok(begun?),
            }
        }
    }

    /// Whether nobody else can change this database: then what was read may be kept until the next change here.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.0.dialect == Dialect::Sqlite
    }

    pub(crate) fn reader(&self) -> &AnyPool {
        &self.0.reader
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// Gives back the memory that idle connections of the embedded database hold as page cache: megabytes each, of use
    /// to nobody until the next work.
    pub async fn shrink(&self) {
        if self.0.dialect != Dialect::Sqlite {
            return;
        }
        for pool in [&self.0.reader, &self.0.writer] {
            // Held until the end, so that each comes once.
            let mut connections = Vec::new();
            while let Some(mut connection) = pool.try_acquire() {
                // A cache that stays costs memory and nothing else.
                let _ = connection.execute("PRAGMA shrink_memory").await;
                connections.push(connection);
            }
        }
    }

    /// Closes all connections; the write-ahead log is folded in.
    pub async fn close(&self) {
        self.0.reader.close().await;
        if self.0.dialect == Dialect::Sqlite
            && let Ok(mut connection) = self.0.writer.acquire().await
        {
            // Best effort: an unfolded log is read at the next start.
            let _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        self.0.writer.close().await;
    }

    /// Writes a consistent copy of the embedded database to a new file, while it is in use.
    ///
    /// # Errors
    /// On PostgreSQL (use `pg_dump` there), and when the file cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        if self.0.dialect == Dialect::Postgres {
            return Err(Error::bad("copy of a PostgreSQL database", "use pg_dump"));
        }
        let text = path
            .to_str()
            .ok_or_else(|| Error::BadUrl(path.display().to_string()))?;
        // An empty file is taken as none, and keeps its mode.
        make_private(path).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })?;
        sqlx::query("VACUUM INTO $1")
            .bind(text)
            .execute(self.reader())
            .await?;
        Ok(())
    }
}

/// Makes a database file (and the two beside it, which SQLite makes with the mode of the first) readable by its owner
/// only.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::metadata(&name) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Connects once. The pool would try again for its whole waiting time and then say only that it waited.
async fn reach(url: &str, options: &AnyConnectOptions) -> Result<()> {
    let named = sqlx::postgres::PgConnectOptions::from_str(url)?;
    let failed = |source| Error::Unreachable {
        server: format!("{}:{}", named.get_host(), named.get_port()),
        source,
    };
    let connect = sqlx::AnyConnection::connect_with(options);
    match tokio::time::timeout(ANSWER, connect).await {
        Ok(Ok(connection)) => connection.close().await.map_err(failed),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(failed(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no answer within {} s", ANSWER.as_secs()),
        )))),
    }
}

impl Tx {
    /// Makes the change durable.
    ///
    /// # Errors
    /// [`Error::Commit`]: whether it happened is not known.
    pub async fn commit(self) -> Result<()> {
        // Both sides of the commit can fail: the answer alone does not say whether it happened.
        let failed = |fault| Error::Commit(injected(fault));
        self.faults.step("commit").map_err(failed)?;
        self.inner.commit().await.map_err(Error::Commit)?;
        self.faults.step("answer of the commit").map_err(failed)
    }
}

fn injected(fault: Fault) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(fault))
}
