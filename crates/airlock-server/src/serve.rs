//! `airlock serve`: from settings to a running server, and back to a clean end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airlock_blob::BlobStore;
use airlock_content::{Content, ContentSettings};
use airlock_db::Db;
use airlock_fetch::Fetcher;
use airlock_model::{Clock, ErrorKind, SystemClock};
use axum::{Router, middleware};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::app::App;
use crate::data_dir::{DataDir, DataDirError};
use crate::listen::tls::{Certificate, TlsError};
use crate::listen::{self, Peers};
use crate::password::PasswordError;
use crate::settings::Settings;
use crate::{first_start, local_socket, operations, problem, repos, rest, tasks};

/// How long open requests may take at the end.
const DRAIN: Duration = Duration::from_secs(20);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] airlock_db::Error),
    /// The blob store cannot be opened.
    #[error(transparent)]
    Blob(#[from] airlock_blob::Error),
    /// The domain cannot be opened, or a restore failed.
    #[error(transparent)]
    Content(#[from] airlock_content::Error),
    /// The certificate cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The administrator's password cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The password that the environment gives the first administrator cannot be set.
    #[error("AIRLOCK_ADMIN_PASSWORD: {0}")]
    GivenPassword(PasswordError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The local socket cannot be made.
    #[error("cannot make the local socket in {data}: {source}")]
    Socket {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
    /// There is no room on the disk of the data folder, and something needed some.
    #[error("the disk of {data} is full ({free} bytes are free): {source}")]
    Full {
        /// The data folder.
        data: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// What failed.
        source: Box<Self>,
    },
}

/// With less than this the embedded database cannot be opened; it says so in many ways.
const LEAST_FREE: u64 = 256 << 10;

impl ServeError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("another program listens there: stop it, or use another --listen (port 0 takes a free one)".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need CAP_NET_BIND_SERVICE".to_owned())
            }
            Self::Database(airlock_db::Error::Unreachable { .. }) => Some(
                "check that PostgreSQL runs there and takes the login of database-url (AIRLOCK_DATABASE_URL, airlock.toml)".to_owned(),
            ),
            Self::Content(error) if error.kind() != ErrorKind::Internal => error.hint(),
            Self::GivenPassword(_) => Some(
                "give another one, or unset it: then a random one is made and written into initial-password in the data folder".to_owned(),
            ),
            Self::Full { .. } => Some("free some space and start again; nothing is lost".to_owned()),
            _ => None,
        }
    }

    /// The same error, told as the full disk that it comes from where that is so.
    fn on_disk_of(self, data: &Path) -> Self {
        let writes = matches!(
            self,
            Self::DataDir(DataDirError::Io { .. })
                | Self::Database(_)
                | Self::Blob(_)
                | Self::Content(_)
                | Self::Socket { .. }
        );
        let Ok(found) = rustix::fs::statvfs(data) else {
            return self;
        };
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if !writes || free >= LEAST_FREE {
            return self;
        }
        Self::Full {
            data: data.to_owned(),
            free,
            source: Box::new(self),
        }
    }
}

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let password = std::env::var("AIRLOCK_ADMIN_PASSWORD")
        .ok()
        .filter(|text| !text.is_empty());
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve_until(settings, password, end).await
}

/// Runs the server until `end` ends. `password` is the first administrator's; none makes a random one.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub async fn serve_until(
    settings: Settings,
    password: Option<String>,
    end: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let data = settings.data.clone();
    start(settings, password, end)
        .await
        .map_err(|error| error.on_disk_of(&data))
}

async fn start(
    settings: Settings,
    password: Option<String>,
    end: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    raise_file_limit();
    let data = DataDir::open(&settings.data)?;
    let settings = Settings {
        data: data.path().to_owned(),
        ..settings
    };
    let certificate = settings
        .tls
        .clone()
        .map(Certificate::load)
        .transpose()?
        .map(Arc::new);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut end = std::pin::pin!(end);
    let open = async {
        match &settings.database_url {
            Some(url) => Db::open(url).await,
            None => Db::open_file(&settings.data.join("airlock.db")).await,
        }
    };
    // A database that does not answer must not keep the server from ending.
    let db = tokio::select! {
        biased;
        db = open => db?,
        () = end.as_mut() => return Ok(()),
    };
    first_start::administrator(&db, &data, password, clock.now()).await?;
    let app = Arc::new(App {
        content: open_content(&settings, db, &clock)?,
        settings,
        clock,
        metrics: crate::metrics::Metrics::default(),
        login_limit: crate::login_limit::LoginLimit::default(),
        lookup: repos::lookup::Lookup::default(),
        peers: Peers::default(),
        board: tasks::Board::default(),
        unwritten: tasks::Unwritten::default(),
        new_task: tokio::sync::Notify::new(),
    });
    tasks::begin(&app).await?;
    run(app, &data, certificate, end).await
}

/// The domain over the resources in a data folder.
///
/// # Errors
/// When the blob store cannot be opened.
pub(crate) fn open_content(
    settings: &Settings,
    db: Db,
    clock: &Arc<dyn Clock>,
) -> Result<Content, ServeError> {
    let blobs = BlobStore::open(&settings.data)?;
    let fetcher = Fetcher::new(airlock_fetch::Settings {
        bandwidth: settings.bandwidth,
        ..airlock_fetch::Settings::default()
    });
    let mut content = ContentSettings::new(settings.data.clone());
    content
        .file_upstream_roots
        .clone_from(&settings.file_upstream_roots);
    content
        .upstream_pem_roots
        .clone_from(&settings.upstream_pem_roots);
    content.min_free_percent = settings.min_free;
    content.zone = settings.zone.clone();
    Ok(Content::new(db, blobs, fetcher, Arc::clone(clock), content))
}

/// All routes, with the layers around them.
pub fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/repos/{*path}", axum::routing::get(repos::handle))
        .merge(operations::router())
        .merge(rest::router(app))
        .layer(middleware::from_fn(problem::layer))
        .with_state(Arc::clone(app))
}

async fn run(
    app: Arc<App>,
    data: &DataDir,
    certificate: Option<Arc<Certificate>>,
    end: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (stop, stopping) = watch::channel(false);
    let (ended, mut all_ended) = mpsc::channel::<()>(1);
    let failed = |source| ServeError::Listen {
        address: app.settings.listen.clone(),
        source,
    };
    let listener = TcpListener::bind(&app.settings.listen)
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let socket = |source| ServeError::Socket {
        data: app.settings.data.clone(),
        source,
    };
    let local = local_socket::bind(&app.settings.data)
        .and_then(UnixListener::from_std)
        .map_err(socket)?;
    let router = router(&app);
    let mut background = tokio::task::JoinSet::new();
    background.spawn(listen::local(
        local,
        router.clone(),
        stopping.clone(),
        ended.clone(),
    ));
    background.spawn(listen::tcp(
        listener,
        Arc::clone(&app),
        router,
        certificate.clone(),
        stopping.clone(),
        ended.clone(),
    ));
    background.spawn(tasks::keep_schedules(Arc::clone(&app), stopping.clone()));
    background.spawn(tasks::keep_up(Arc::clone(&app), stopping.clone()));
    if let Some(certificate) = certificate.clone() {
        background.spawn(watch_certificate(certificate, stopping.clone()));
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..app.settings.workers {
        workers.spawn(tasks::work(Arc::clone(&app), stopping.clone()));
    }
    match data.write_private("address", &format!("{address}\n")) {
        // The local socket is there without it, and clients read on.
        Err(error) if error.is_full() => tracing::warn!(%error, "the disk is full"),
        written => written?,
    }
    let scheme = if certificate.is_some() {
        "https"
    } else {
        "http"
    };
    tracing::info!(
        "ready: {scheme}://{address}, data in {}",
        app.settings.data.display()
    );

    end.await;
    tracing::info!("ending");
    // Open requests are finished; tasks are asked to stop, and one that takes too long is left as a crash would.
    let _ = stop.send(true);
    app.board.cancel_all();
    drop(ended);
    let _ = tokio::time::timeout(DRAIN, async {
        while background.join_next().await.is_some() {}
        let _ = all_ended.recv().await;
        while workers.join_next().await.is_some() {}
    })
    .await;
    if app.db().is_exclusive()
        && let Err(error) = app.unwritten.end(app.db()).await
    {
        tracing::error!(%error, "syncs that waited are forgotten");
    }
    if let Err(error) = app.content.keep_audit_head().await {
        tracing::error!(%error, "where the audit log ends cannot be written down");
    }
    app.db().close().await;
    let _ = std::fs::remove_file(app.settings.data.join(local_socket::SOCKET));
    let _ = std::fs::remove_file(app.settings.data.join("address"));
    tracing::info!("ended");
    Ok(())
}

async fn watch_certificate(certificate: Arc<Certificate>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            _ = stop.changed() => return,
        }
        match certificate.refresh() {
            Ok(false) => {}
            Ok(true) => tracing::info!("took the new TLS certificate"),
            Err(error) => {
                tracing::error!(%error, "the new TLS certificate cannot be used; the old one stays")
            }
        }
    }
}

/// Thousands of clients need thousands of file handles; the soft limit is often 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}
