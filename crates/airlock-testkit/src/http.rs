//! A static HTTP/1.1 server on the loopback: an upstream that counts what is asked and misbehaves on demand.
//!
//! Threads and the standard library only. It knows keep-alive, `Range` (one range), `If-Range`, `ETag`,
//! `Last-Modified`, `If-None-Match`, `If-Modified-Since` and HEAD. Faults are chosen by path and by how often the path
//! was asked for, so a test says exactly which request goes wrong.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

mod answer;
mod gate;

use answer::Answer;

pub use gate::Gate;

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with a short text body.
    Status(u16),
    /// The status, length and head of the whole file, but only so many bytes of it; then the connection is closed.
    CutAfter(usize),
    /// The head and so many bytes of the body come at once, the rest once the gate is open.
    Gate(usize, Gate),
    /// The connection is closed without an answer.
    Close,
    /// Other bytes, as if the upstream changed under the sync.
    Replace(Vec<u8>),
    /// One bit of the body is flipped in the middle.
    FlipBit,
    /// 302 to this URL.
    Redirect(String),
    /// `Range` is not honoured: 200 with the whole file.
    IgnoreRange,
    /// The head is sent and then nothing more until the server is dropped: a stalled mirror.
    Stall,
    /// 200 without a length, and this over and over for as long as the client reads.
    Endless(Vec<u8>),
    /// 401 unless the request carries exactly this `Authorization` header.
    NeedAuthorization(String),
}

#[derive(Debug)]
struct Rule {
    path: String,
    from: u64,
    to: u64,
    fault: Fault,
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path, percent-decoded, without query.
    pub path: String,
    /// What stands after `?`, empty when there is nothing.
    pub query: String,
    /// Header names in lower case.
    pub headers: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<String, u64>,
    log: Vec<Request>,
    rules: Vec<Rule>,
    bytes_sent: u64,
    connections: Vec<TcpStream>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    stopping: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The running server; it stops when dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<std::thread::JoinHandle<()>>,
}

impl HttpServer {
    /// Serves a folder on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    #[track_caller]
    pub fn serve(folder: impl Into<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            folder: folder.into(),
            state: Mutex::new(State::default()),
            stopping: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_thread.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if let Ok(copy) = stream.try_clone() {
                    for_thread.state().connections.push(copy);
                }
                let shared = Arc::clone(&for_thread);
                std::thread::spawn(move || connection(&shared, stream));
            }
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often a path was asked for, GET and HEAD together. `path` starts with a slash.
    #[must_use]
    pub fn count(&self, path: &str) -> u64 {
        self.shared.state().counts.get(path).copied().unwrap_or(0)
    }

    /// How many requests came in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shared.state().counts.values().sum()
    }

    /// All requests in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().log.clone()
    }

    /// Bytes of bodies that were sent.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.state().bytes_sent
    }

    /// Forgets counts, log and byte count, and keeps the faults.
    pub fn reset_counts(&self) {
        let mut state = self.shared.state();
        state.counts.clear();
        state.log.clear();
        state.bytes_sent = 0;
    }

    /// From now on every request for `path` fails so. A path that ends with `*` means all that start so.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.add_rule(path, 1, u64::MAX, fault);
    }

    /// The `nth` request for `path`, counted from 1 since the last [`HttpServer::reset_counts`], fails so.
    pub fn fault_at(&self, path: &str, nth: u64, fault: Fault) {
        self.add_rule(path, nth, nth, fault);
    }

    /// The first `times` requests for `path` fail so.
    pub fn fault_first(&self, path: &str, times: u64, fault: Fault) {
        self.add_rule(path, 1, times, fault);
    }

    fn add_rule(&self, path: &str, from: u64, to: u64, fault: Fault) {
        self.shared.state().rules.push(Rule {
            path: path.to_owned(),
            from,
            to,
            fault,
        });
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.state().rules.clear();
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accept loop, which then sees the mark.
        let _ = TcpStream::connect(self.address);
        for stream in self.shared.state().connections.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

fn connection(shared: &Shared, stream: TcpStream) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let fault = note(shared, &request);
        // A client that hung up is no concern of the server.
        let keep = respond(shared, &mut writer, &request, fault).unwrap_or_default();
        let asked = request
            .headers
            .get("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !keep || asked || shared.stopping.load(Ordering::SeqCst) {
            break;
        }
    }
    let _ = writer.shutdown(std::net::Shutdown::Both);
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|&length| length > 0)?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (percent_decoded(path), query.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|&length| length > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    Some(Request {
        method,
        path,
        query,
        headers,
    })
}

/// Counts and logs a request; says which fault applies to it.
fn note(shared: &Shared, request: &Request) -> Option<Fault> {
    let mut state = shared.state();
    let count = state.counts.entry(request.path.clone()).or_insert(0);
    *count += 1;
    let count = *count;
    state.log.push(request.clone());
    state
        .rules
        .iter()
        .find(|rule| {
            let named = match rule.path.strip_suffix('*') {
                Some(prefix) => request.path.starts_with(prefix),
                None => rule.path == request.path,
            };
            named && (rule.from..=rule.to).contains(&count)
        })
        .map(|rule| rule.fault.clone())
}

fn respond(
    shared: &Shared,
    out: &mut TcpStream,
    request: &Request,
    fault: Option<Fault>,
) -> std::io::Result<bool> {
    let mut honour_range = true;
    let mut answer = None;
    let mut cut = None;
    let mut flip = false;
    let mut gated = None;
    match fault {
        Some(Fault::Status(code)) => answer = Some(Answer::text(code, "injected by the test\n")),
        Some(Fault::Close) => return Ok(false),
        Some(Fault::Endless(piece)) => {
            out.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            while !shared.stopping.load(Ordering::SeqCst) {
                out.write_all(&piece)?;
                shared.state().bytes_sent += piece.len() as u64;
            }
            return Ok(false);
        }
        Some(Fault::Redirect(url)) => answer = Some(Answer::redirect(&url)),
        Some(Fault::Replace(bytes)) => answer = Some(Answer::whole(bytes)),
        Some(Fault::CutAfter(length)) => cut = Some(length),
        Some(Fault::Gate(length, gate)) => gated = Some((length, gate)),
        Some(Fault::FlipBit) => flip = true,
        Some(Fault::IgnoreRange) => honour_range = false,
        Some(Fault::Stall) => cut = Some(usize::MAX),
        Some(Fault::NeedAuthorization(wanted))
            if request.headers.get("authorization") != Some(&wanted) =>
        {
            answer = Some(Answer::text(401, "authorization needed\n"));
        }
        Some(Fault::NeedAuthorization(_)) | None => {}
    }
    let mut answer = match answer {
        Some(answer) => answer,
        None => match local_path(&shared.folder, &request.path) {
            Some(file) => Answer::file(&file, request, honour_range)?,
            None => Answer::text(404, "no such file\n"),
        },
    };
    if flip && !answer.body.is_empty() {
        let middle = answer.body.len() / 2;
        answer.body[middle] ^= 0x10;
    }
    out.write_all(answer.head().as_bytes())?;
    if cut == Some(usize::MAX) {
        out.flush()?;
        let mut ignored = [0_u8; 1];
        // Blocks until the client gives up or the server is dropped, which shuts the socket down.
        let _ = std::io::Read::read(out, &mut ignored);
        return Ok(false);
    }
    if request.method == "HEAD" {
        return Ok(true);
    }
    let body = match cut {
        Some(length) => &answer.body[..length.min(answer.body.len())],
        None => &answer.body[..],
    };
    shared.state().bytes_sent += body.len() as u64;
    let (before, behind) = match &gated {
        Some((length, _)) => body.split_at((*length).min(body.len())),
        None => (body, &[][..]),
    };
    out.write_all(before)?;
    if let Some((_, gate)) = &gated {
        out.flush()?;
        gate.pass();
        out.write_all(behind)?;
    }
    out.flush()?;
    Ok(cut.is_none())
}

/// The file that a path names, if it lies below the folder and is one.
fn local_path(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut file = folder.to_path_buf();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == ".." || part == "." {
            return None;
        }
        file.push(part);
    }
    file.is_file().then_some(file)
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = text
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], digits) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
