//! The accept loops. They end when `stop` turns true; open requests are finished first.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{Semaphore, mpsc, watch};
use tower::ServiceExt;

use super::Peer;
use super::deadline::{Deadline, PATIENCE};
use super::rewind::Rewind;
use super::tls::Certificate;
use crate::app::App;
use crate::local_socket::MOST_CONNECTIONS;
use crate::repos::{OverTls, lane};

/// How long a peer may take for the head of a request, and for the TLS handshake.
const HEAD: Duration = Duration::from_secs(10);

/// Held by every open connection; the server is idle when all are gone.
pub type Ended = mpsc::Sender<()>;

/// Accepts TCP connections, plain or TLS.
pub async fn tcp(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    tls: Option<Arc<Certificate>>,
    mut stop: watch::Receiver<bool>,
    ended: Ended,
) {
    loop {
        let (stream, address) = tokio::select! {
            biased;
            _ = stop.changed() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause(&error).await;
                    continue;
                }
            },
        };
        let Some(turn) = app.peers.admit(address.ip()) else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (app, router, tls) = (Arc::clone(&app), router.clone(), tls.clone());
        let (stop, ended) = (stop.clone(), ended.clone());
        tokio::spawn(async move {
            let peer = Peer::Network(address);
            match tls {
                None => plain(stream, peer, &app, router, stop).await,
                Some(certificate) => encrypted(stream, peer, &certificate, router, stop).await,
            }
            drop((turn, ended));
        });
    }
}

/// Accepts connections of the local socket; the kernel says who they are.
pub async fn local(
    listener: UnixListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
    ended: Ended,
) {
    let turns = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
            return;
        };
        let stream = tokio::select! {
            biased;
            _ = stop.changed() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause(&error).await;
                    continue;
                }
            },
        };
        // A peer whose credentials cannot be read is nobody.
        let uid = stream.peer_cred().map_or(u32::MAX, |peer| peer.uid());
        let (router, stop, ended) = (router.clone(), stop.clone(), ended.clone());
        tokio::spawn(async move {
            serve(stream, Peer::Local { uid }, false, router, stop).await;
            drop((turn, ended));
        });
    }
}

/// Out of file handles: wait a little instead of spinning. Other errors are of one connection only.
async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn plain(
    stream: TcpStream,
    peer: Peer,
    app: &Arc<App>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    if let Ok(lane::Left::HandOver(stream, first)) = lane::serve(stream, app, stop.clone()).await {
        serve(Rewind::new(first, stream), peer, false, router, stop).await;
    }
}

async fn encrypted(
    stream: TcpStream,
    peer: Peer,
    certificate: &Certificate,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    let acceptor = tokio_rustls::TlsAcceptor::from(certificate.config());
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD, acceptor.accept(stream)).await {
        serve(Rewind::new(Bytes::new(), stream), peer, true, router, stop).await;
    }
}

async fn serve<T>(stream: T, peer: Peer, tls: bool, router: Router, mut stop: watch::Receiver<bool>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(OverTls(tls));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .keep_alive_interval(Duration::from_secs(30));
    let connection =
        builder.serve_connection(TokioIo::new(Deadline::new(stream, PATIENCE)), service);
    tokio::pin!(connection);
    let mut stopping = *stop.borrow();
    if stopping {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
