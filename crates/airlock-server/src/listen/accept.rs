//! The accept loops. They end when `stop` turns true; open requests are finished first.

use std::convert::Infallible;
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
use super::deadline::Deadline;
use super::patience::{Limits, PatientBody, Requests};
use super::rewind::Rewind;
use super::tls::Certificate;
use crate::app::App;
use crate::local_socket::MOST_CONNECTIONS;
use crate::repos::{OverTls, lane};

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
            serve(
                stream,
                Peer::Local { uid },
                false,
                router,
                stop,
                Limits::USUAL,
            )
            .await;
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
        let stream = Rewind::new(first, stream);
        serve(stream, peer, false, router, stop, Limits::USUAL).await;
    }
}

async fn encrypted(
    stream: TcpStream,
    peer: Peer,
    certificate: &Certificate,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = tokio_rustls::TlsAcceptor::from(certificate.config());
    let limits = Limits::USUAL;
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.head, acceptor.accept(stream)) => shaken,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    if let Ok(Ok(stream)) = shaken {
        let stream = Rewind::new(Bytes::new(), stream);
        serve(stream, peer, true, router, stop, limits).await;
    }
}

/// Serves a connection by the general machinery. What that machinery does not limit is limited here: a connection that
/// never gets as far as a request, idle HTTP/2, and bodies.
async fn serve<T>(
    stream: T,
    peer: Peer,
    tls: bool,
    router: Router,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Requests::none();
    let (opened, stopped) = (requests.clone(), stop.clone());
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let open = opened.open();
        let mut request = request.map(|body| {
            Body::new(PatientBody::new(
                Body::new(body),
                limits,
                Some(stopped.clone()),
            ))
        });
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(OverTls(tls));
        // What a peer of HTTP/1 does not take stops the connection, which has its own deadline.
        let watched = request.version() == http::Version::HTTP_2;
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| match watched {
                true => open.until_taken(body),
                false => open.until_sent(body),
            }))
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .keep_alive_interval(Duration::from_secs(30));
    let stream = TokioIo::new(Deadline::new(stream, limits.taking));
    let connection = builder.serve_connection(stream, service);
    tokio::pin!(connection);
    let mut ending = *stop.borrow();
    if ending {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        let patience = if ending { limits.last } else { limits.idle };
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.changed(), if !ending => {}
            () = requests.stalled(limits.taking) => return,
            // Asked to end first, so that HTTP/2 peers are told.
            () = requests.quiet(patience) => if ending { return },
        }
        ending = true;
        connection.as_mut().graceful_shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    /// Limits that no test reaches.
    const LONG: Limits = Limits {
        head: Duration::from_secs(3_600),
        idle: Duration::from_secs(3_600),
        body: Duration::from_secs(3_600),
        rate: 1,
        taking: Duration::from_secs(3_600),
        last: Duration::from_secs(3_600),
    };
    const SHORT: Duration = Duration::from_millis(50);
    const UNFINISHED: &[u8] = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n{";

    /// A connection to a server that reads whole bodies.
    fn connection(
        limits: Limits,
    ) -> (
        DuplexStream,
        watch::Sender<bool>,
        tokio::task::JoinHandle<()>,
    ) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (stop, stopping) = watch::channel(false);
        let router = Router::new().route(
            "/",
            axum::routing::post(|body: Result<Bytes, _>| async move {
                use axum::extract::rejection::BytesRejection;
                let body: Result<Bytes, BytesRejection> = body;
                match body {
                    Ok(body) => format!("{} bytes", body.len()),
                    Err(error) if super::super::patience::is_too_slow(&error) => "slow".to_owned(),
                    Err(error) => error.body_text(),
                }
            }),
        );
        let peer = Peer::Local { uid: 0 };
        let task = tokio::spawn(serve(far, peer, false, router, stopping, limits));
        (near, stop, task)
    }

    async fn rest(mut near: DuplexStream) -> String {
        let mut text = String::new();
        near.read_to_string(&mut text).await.unwrap();
        text
    }

    /// Sends a byte a while, until the server has enough of it.
    async fn drip(near: &mut DuplexStream) {
        for _ in 0..1_000 {
            if near.write_all(b"x").await.is_err() {
                return;
            }
            let mut answer = [0; 1];
            let read = tokio::time::timeout(SHORT / 5, near.read_exact(&mut answer)).await;
            if read.is_ok() {
                return;
            }
        }
        panic!("the connection is still open");
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let limits = Limits {
            body: SHORT,
            ..LONG
        };
        let (mut near, _stop, task) = connection(limits);
        near.write_all(UNFINISHED).await.unwrap();
        let text = rest(near).await;
        assert!(text.ends_with("slow"), "{text}");
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_body_that_comes_byte_by_byte_is_given_up() {
        let limits = Limits {
            body: SHORT,
            rate: 1_024,
            ..LONG
        };
        let (mut near, _stop, task) = connection(limits);
        near.write_all(&[&UNFINISHED[..46], b"00000\r\n\r\n"].concat())
            .await
            .unwrap();
        drip(&mut near).await;
        drop(near);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn an_unfinished_body_does_not_hold_up_the_end() {
        let limits = Limits {
            last: SHORT,
            ..LONG
        };
        let (mut near, stop, task) = connection(limits);
        near.write_all(UNFINISHED).await.unwrap();
        stop.send(true).unwrap();
        let text = rest(near).await;
        assert!(text.is_empty() || text.ends_with("slow"), "{text}");
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_without_a_request_ends() {
        let limits = Limits {
            idle: SHORT,
            last: SHORT,
            ..LONG
        };
        // Nothing at all, and the beginning of what might become HTTP/2.
        for first in [
            b"".as_slice(),
            b"PRI * HT",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            let (mut near, _stop, task) = connection(limits);
            near.write_all(first).await.unwrap();
            task.await.unwrap();
        }
    }

    /// A route that answers for ever.
    fn endless() -> Router {
        let piece = || async { Ok::<_, Infallible>(Bytes::from(vec![0; 64 * 1024])) };
        Router::new().route(
            "/",
            axum::routing::get(move || async move {
                Body::from_stream(futures_util::stream::unfold((), move |()| async move {
                    Some((piece().await, ()))
                }))
            }),
        )
    }

    const IMPATIENT: Limits = Limits {
        taking: SHORT,
        ..LONG
    };

    /// Both ends of a TLS connection whose server answers for ever, and the server's task.
    async fn encrypted_connection(
        protocol: &[u8],
    ) -> (
        tokio_rustls::client::TlsStream<DuplexStream>,
        watch::Sender<bool>,
        tokio::task::JoinHandle<()>,
    ) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = super::super::tls::provider();
        let mut server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        server.alpn_protocols = vec![protocol.to_vec()];
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let mut client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![protocol.to_vec()];
        let (near, far) = tokio::io::duplex(1 << 16);
        let (stop, stopping) = watch::channel(false);
        let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
        let connecting = tokio_rustls::TlsConnector::from(Arc::new(client));
        let accepting = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        let (near, far) = tokio::join!(connecting.connect(name, near), accepting.accept(far));
        let (near, far) = (near.unwrap(), far.unwrap());
        let peer = Peer::Local { uid: 0 };
        let task = tokio::spawn(serve(far, peer, true, endless(), stopping, IMPATIENT));
        (near, stop, task)
    }

    #[tokio::test]
    async fn a_peer_that_stops_reading_over_tls_is_given_up() {
        let (mut near, _stop, task) = encrypted_connection(b"http/1.1").await;
        near.write_all(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            .await
            .unwrap();
        let mut first = [0; 1_000];
        near.read_exact(&mut first).await.unwrap();
        task.await.unwrap();
        drop(near);
    }

    #[tokio::test]
    async fn a_peer_of_http_2_that_gives_no_more_credit_is_given_up() {
        let (near, _stop, task) = encrypted_connection(b"h2").await;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near))
                .await
                .unwrap();
        // The connection itself is kept going all the time: settings and pings are answered.
        let going = tokio::spawn(connection);
        let request = http::Request::get("https://localhost/")
            .body(Body::empty())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.version(), http::Version::HTTP_2);
        task.await.unwrap();
        drop((answer, sender));
        let _ = going.await;
    }

    #[tokio::test]
    async fn whole_bodies_are_read_at_any_length() {
        let (mut near, _stop, task) = connection(LONG);
        let body = vec![b'x'; 300_000];
        let head = format!(
            "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        near.write_all(head.as_bytes()).await.unwrap();
        near.write_all(&body).await.unwrap();
        let text = rest(near).await;
        assert!(text.ends_with("300000 bytes"), "{text}");
        task.await.unwrap();
    }
}
