//! The built `airlock` program, run as its users run it.
//!
//! The server is ready when it says so: `--data DIR` gets a file `address` with the address that it listens on, and
//! `/readyz` answers. The kit polls for that and never waits for a fixed time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::{Finished, run, target};

/// How long a server may take until the test fails. Far above what it takes, so that a slow machine passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The path of the `airlock` binary: `CARGO_BIN_EXE_airlock` (set at run time), else the build folder that this test
/// program lies in, else `target/debug` or `target/release`.
///
/// A test inside the `airlock` package gets the binary built by cargo; tests of other packages need
/// `cargo build -p airlock` before, which `scripts/test` does.
///
/// # Panics
/// When there is none.
#[must_use]
#[track_caller]
pub fn airlock_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CARGO_BIN_EXE_airlock")
        .or_else(|| std::env::var_os("AIRLOCK_TEST_BINARY"))
    {
        return PathBuf::from(path);
    }
    // A test program lies in TARGET/PROFILE/deps/.
    let own = std::env::current_exe().ok();
    let beside = own
        .as_deref()
        .and_then(|path| path.ancestors().nth(2))
        .map(|folder| folder.join("airlock"));
    let candidates = [
        beside,
        Some(target().join("debug/airlock")),
        Some(target().join("release/airlock")),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("the airlock program is not built: run cargo build -p airlock"))
}

/// A running server over one data folder.
#[derive(Debug)]
pub struct Server {
    child: Child,
    data: PathBuf,
    address: String,
    log: PathBuf,
}

/// How to start a [`Server`].
#[derive(Debug, Clone)]
pub struct Start {
    data: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Start {
    /// A server over `data`, which the program makes when it is not there, on a free port of the loopback.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            arguments: Vec::new(),
            environment: vec![(
                "AIRLOCK_ADMIN_PASSWORD".to_owned(),
                "test-password".to_owned(),
            )],
        }
    }

    /// Adds an argument of `airlock serve`.
    #[must_use]
    pub fn argument(mut self, text: &str) -> Self {
        self.arguments.push(text.to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it ends before that or is not ready within a minute; with its log.
    #[must_use]
    #[track_caller]
    pub fn start(&self) -> Server {
        let address_file = self.data.join("address");
        // The file of an earlier run that was killed would be taken for this one's.
        let _ = std::fs::remove_file(&address_file);
        let log = self.data.with_extension("log");
        if let Some(parent) = log.parent() {
            std::fs::create_dir_all(parent).expect("the folder above the data folder is made");
        }
        let output = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the log file opens");
        let errors = output.try_clone().expect("a second handle of the log");
        let mut child = Command::new(airlock_binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start airlock: {error}"));
        let started = Instant::now();
        loop {
            let ended = child.try_wait().expect("the child can be waited for");
            if let Some(address) = ready(&address_file) {
                return Server {
                    child,
                    data: self.data.clone(),
                    address,
                    log,
                };
            }
            let text = || std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = ended {
                panic!(
                    "airlock serve ended with {status} before it was ready\n{}",
                    text()
                );
            }
            if started.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("airlock serve was not ready after {PATIENCE:?}\n{}", text());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The address in the file, once the server behind it answers `/readyz` with 200.
fn ready(address_file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(address_file).ok()?;
    let address = text.trim();
    let address = address
        .strip_prefix("http://")
        .unwrap_or(address)
        .trim_end_matches('/');
    let (status, _) = get(address, "/readyz").ok()?;
    (status == 200).then(|| address.to_owned())
}

/// A bare GET: status and body. For tests that want no HTTP client; use a real one for anything more.
///
/// # Errors
/// What the socket said.
pub fn get(address: &str, path: &str) -> std::io::Result<(u16, Vec<u8>)> {
    get_with(address, path, "")
}

/// [`get`] with more header lines, each with its line end.
fn get_with(address: &str, path: &str, headers: &str) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| std::io::Error::other("no end of the head"))?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| std::io::Error::other("no status"))?;
    Ok((status, bytes.split_off(end + 4)))
}

impl Server {
    /// `http://ADDRESS:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `ADDRESS:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything that it logged so far, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A GET of a path: status and body.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        get(&self.address, path)
            .unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()))
    }

    /// The same with a token.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    #[track_caller]
    pub fn get_with_token(&self, path: &str, token: &str) -> (u16, Vec<u8>) {
        let header = format!("Authorization: Bearer {token}\r\n");
        get_with(&self.address, path, &header).expect("the server answers")
    }

    /// Runs `airlock WORDS` against this server by its data folder, whatever the exit status.
    #[track_caller]
    pub fn airlock(&self, words: &[&str]) -> Finished {
        airlock(&self.data, words)
    }

    /// Runs `airlock WORDS`, which has to succeed; returns its standard output.
    ///
    /// # Panics
    /// When it ends with anything but 0.
    #[track_caller]
    pub fn airlock_ok(&self, words: &[&str]) -> String {
        self.airlock(words).expect_success().stdout
    }

    /// Stops it by SIGTERM and waits for its end.
    ///
    /// # Panics
    /// When it does not end with 0.
    #[track_caller]
    pub fn stop(mut self) {
        signal(self.child.id(), "TERM");
        let status = self.child.wait().expect("the child can be waited for");
        assert!(status.success(), "after SIGTERM: {status}\n{}", self.log());
    }

    /// Kills it by SIGKILL, as a crash would, and waits until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs `airlock WORDS` with `AIRLOCK_DATA` set to `data`, whatever the exit status.
#[track_caller]
pub fn airlock(data: &Path, words: &[&str]) -> Finished {
    run(Command::new(airlock_binary())
        .args(words)
        .env("AIRLOCK_DATA", data)
        .env_remove("AIRLOCK_SERVER"))
}

/// Sends a signal by name to a process, by way of `kill`.
pub fn signal(id: u32, name: &str) {
    let _ = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(id.to_string())
        .status();
}
