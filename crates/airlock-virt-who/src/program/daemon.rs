//! Until stopped: signals, reload, the lock, metrics, and what systemd wants to hear.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::{BAD, GOOD, Run, tell};
use crate::config::{Configuration, Global};
use crate::engine::{Engine, Shared};
use crate::metrics::Metrics;

/// Between two writings of the metrics file.
const METRICS: Duration = Duration::from_secs(15);

/// Runs until a signal ends it.
pub(super) async fn run(run: &Run, configuration: Configuration, shared: Shared) -> u8 {
    let _lock = match lock(shared.state.folder()) {
        Ok(lock) => lock,
        Err(why) => {
            tracing::error!("{why}");
            return BAD;
        }
    };
    let signals = (
        signal(SignalKind::hangup()),
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) = signals else {
        tracing::error!("Signals cannot be handled here");
        return BAD;
    };
    tracing::info!("Using reporter_id='{}'", configuration.global.reporter_id);
    let mut watched = watch(&configuration.global, &shared.metrics);
    let mut global = configuration.global.clone();
    let mut engine = Engine::new(shared.clone());
    engine.apply(configuration).await;
    notify(&format!("READY=1\nMAINPID={}", std::process::id()));
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        notify("RELOADING=1");
        // Whoever has moved the log files waits for that.
        crate::logging::reopen(&global);
        tracing::info!("Reading the configuration again");
        let new = run.load();
        tell(&new);
        let next = new.global.clone();
        match engine.reload(new).await {
            Err(why) => tracing::error!(
                "The configuration stays as it was, because a part of it cannot be read: {why}. Mend that and reload again"
            ),
            Ok(()) => {
                if next.metrics_file != global.metrics_file
                    || next.metrics_listen != global.metrics_listen
                {
                    for task in watched {
                        task.abort();
                    }
                    watched = watch(&next, &shared.metrics);
                }
                crate::logging::debug(next.debug);
                crate::logging::reopen(&next);
                tracing::info!("The configuration that was read is in use");
                global = next;
            }
        }
        notify("READY=1");
    }
    notify("STOPPING=1");
    tracing::info!("Stopping");
    for task in watched {
        task.abort();
    }
    engine.stop().await;
    GOOD
}

/// Only one daemon works with a state.
fn lock(folder: &Path) -> Result<File, String> {
    let path = folder.join("airlock-virt-who.lock");
    let shown = path.display();
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| format!("{shown}: {error}"))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut id = String::new();
        let _ = file.read_to_string(&mut id);
        return Err(format!(
            "airlock-virt-who seems to be already running (process {}). Stop it first, or name another state with --state-dir",
            id.trim()
        ));
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()));
    written.map_err(|error| format!("{shown}: {error}"))?;
    Ok(file)
}

/// Starts what makes the metrics seen.
fn watch(global: &Global, metrics: &Arc<Metrics>) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    if let Some(path) = global.metrics_file.clone() {
        let metrics = Arc::clone(metrics);
        tasks.push(tokio::spawn(async move {
            let mut told = false;
            loop {
                if let Err(error) = metrics.write(&path)
                    && !std::mem::replace(&mut told, true)
                {
                    tracing::warn!("metrics_file {}: {error}", path.display());
                }
                tokio::time::sleep(METRICS).await;
            }
        }));
    }
    if let Some(address) = global.metrics_listen.clone() {
        let metrics = Arc::clone(metrics);
        tasks.push(tokio::spawn(async move {
            let Err(error) = metrics.serve(&address).await;
            tracing::warn!("metrics_listen {address}: {error}");
        }));
    }
    tasks
}

/// Tells systemd, if it wants to hear (sd_notify(3)).
fn notify(text: &str) {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let Ok(socket) = UnixDatagram::unbound() else {
        return;
    };
    let name = address.to_string_lossy();
    let _ = match name.strip_prefix('@') {
        Some(inside) => {
            use std::os::linux::net::SocketAddrExt as _;
            std::os::unix::net::SocketAddr::from_abstract_name(inside)
                .and_then(|address| socket.send_to_addr(text.as_bytes(), &address))
        }
        None => socket.send_to(text.as_bytes(), Path::new(&address)),
    };
}
