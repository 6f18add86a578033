//! A small HTTP/1.1 server that can lie, cut and hang. One request a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use airlock_fetch::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `CONNECT`.
    pub method: String,
    /// Path and query, or what a proxy gets.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// Whether the peer showed a certificate.
    pub certificate: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` as it is.
    Length,
    /// A `Content-Length` of this number.
    Lie(usize),
    Chunked,
    /// No length; the end of the connection is the end.
    Close,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub framing: Framing,
    /// Send only so much of the body, then close.
    pub cut: Option<usize>,
    /// After the body (or its cut): call this again and again until the client goes away.
    pub hang: Option<Hook>,
    /// Do not even send the head: call this and hang.
    pub mute: Option<Hook>,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            framing: Framing::Length,
            cut: None,
            hang: None,
            mute: None,
        }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    pub fn redirect(status: u16, to: impl Into<String>) -> Self {
        Self::new(status, "moved").with("Location", to)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn cut(mut self, at: usize) -> Self {
        self.cut = Some(at);
        self
    }

    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    pub fn hang(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hang = Some(Arc::new(hook));
        self
    }
}

/// Answers like an honest server: ranges, If-Range, If-None-Match.
pub fn file(request: &Request, content: &[u8], etag: &str) -> Reply {
    if request.header("if-none-match") == Some(etag) {
        return Reply::new(304, "").with("ETag", etag);
    }
    let start = request
        .header("range")
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<usize>()
                .ok()
        })
        .filter(|_| request.header("if-range").is_none_or(|tag| tag == etag));
    let reply = match start {
        Some(start) if start >= content.len() => {
            Reply::new(416, "").with("Content-Range", format!("bytes */{}", content.len()))
        }
        Some(start) => Reply::new(206, &content[start..]).with(
            "Content-Range",
            format!("bytes {start}-{}/{}", content.len() - 1, content.len()),
        ),
        None => Reply::ok(content),
    };
    reply.with("ETag", etag).with("Accept-Ranges", "bytes")
}

type Handler = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// A server with a log. Stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    scheme: &'static str,
    log: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// The handler gets the request and its number, from 0.
    pub async fn start(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::run(None, Arc::new(handler)).await
    }

    pub async fn start_tls(
        config: rustls::ServerConfig,
        handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::run(Some(TlsAcceptor::from(Arc::new(config))), Arc::new(handler)).await
    }

    async fn run(tls: Option<TlsAcceptor>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let kept = Arc::clone(&log);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, handler, log) = (tls.clone(), Arc::clone(&handler), Arc::clone(&kept));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, false, &*handler, &log).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let shown = stream.get_ref().1.peer_certificates().is_some();
                                serve(stream, shown, &*handler, &log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            log,
            task,
        }
    }

    /// `http://127.0.0.1:PORT/repo/`.
    pub fn base(&self) -> Url {
        self.named("127.0.0.1")
    }

    /// The same under a host name, which the test's resolver knows.
    pub fn named(&self, host: &str) -> Url {
        Url::parse(&format!(
            "{}://{host}:{}/repo/",
            self.scheme,
            self.address.port()
        ))
        .unwrap()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.log.lock().unwrap().len()
    }
}

/// Reads a request's head.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    Some(Request {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        certificate: false,
    })
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    certificate: bool,
    handler: &Handler,
    log: &Mutex<Vec<Request>>,
) {
    let Some(mut request) = read_head(&mut stream).await else {
        return;
    };
    request.certificate = certificate;
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let reply = handler(&request, number);
    if let Some(hook) = &reply.mute {
        hook();
        std::future::pending::<()>().await;
    }
    let _ = write_reply(&mut stream, &reply).await;
    if let Some(hook) = &reply.hang {
        // Until the client goes away: it may not have looked yet when the hook runs first.
        loop {
            hook();
            tokio::select! {
                biased;
                _ = stream.read_u8() => return,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let _ = stream.shutdown().await;
}

async fn write_reply(stream: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Status\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match reply.framing {
        Framing::Length if reply.status == 304 => {}
        Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", reply.body.len())),
        Framing::Lie(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close => {}
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    let part = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    if reply.framing == Framing::Chunked {
        for piece in part.chunks(1000) {
            stream
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .await?;
            stream.write_all(piece).await?;
            stream.write_all(b"\r\n").await?;
        }
        if reply.cut.is_none() {
            stream.write_all(b"0\r\n\r\n").await?;
        }
    } else {
        stream.write_all(part).await?;
    }
    stream.flush().await
}
