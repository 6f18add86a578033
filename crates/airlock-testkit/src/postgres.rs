//! A private PostgreSQL for this test process.
//!
//! The server program refuses to run as root, so as root it runs as the `postgres` user (made by the distribution's
//! package) by way of `setpriv`. It listens on a Unix socket in a temporary folder only. A shell beside it waits on a
//! pipe that this process holds: when the process ends, however it ends, the shell stops the server and removes the
//! folder, so nothing is left over.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::programs::{is_root, require, run_ok};

/// The server of this process.
#[derive(Debug)]
struct Server {
    programs: PathBuf,
    folder: PathBuf,
    /// Holds the pipe open that the guarding shell waits on.
    _guard: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Creates a fresh, empty database and returns its URL for sqlx:
/// `postgres://airlock@localhost/NAME?host=SOCKET-FOLDER`.
///
/// The first call in a process starts the server (about a second).
///
/// # Panics
/// When PostgreSQL is not installed or does not start.
#[must_use]
#[track_caller]
pub fn fresh_database() -> String {
    made_from("template0")
}

/// Creates a database that holds what another of this process holds; nobody may be connected to that one.
///
/// # Panics
/// When somebody is, or `url` is none of [`fresh_database`].
#[must_use]
#[track_caller]
pub fn copy_of(url: &str) -> String {
    let name = url
        .split("localhost/")
        .nth(1)
        .and_then(|rest| rest.split('?').next())
        .unwrap_or_else(|| panic!("{url} is no database of the kit"));
    made_from(name)
}

#[track_caller]
fn made_from(template: &str) -> String {
    let server = SERVER.get_or_init(start);
    let number = DATABASES.fetch_add(1, Ordering::SeqCst);
    let name = format!("airlock_test_{number}");
    run_ok(
        Command::new(server.programs.join("psql"))
            .arg("-h")
            .arg(&server.folder)
            .args(["-U", "airlock", "-d", "postgres", "-q", "-X", "-c"])
            .arg(format!("CREATE DATABASE {name} TEMPLATE {template}")),
    );
    format!(
        "postgres://airlock@localhost/{name}?host={}",
        percent_encoded(&server.folder)
    )
}

/// The newest folder that holds `initdb`: Debian's and Ubuntu's place first, then `PATH`.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("initdb").is_file().then_some((version, folder))
        })
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, folder)) => folder,
        None => require("initdb")
            .parent()
            .expect("a program lies in a folder")
            .to_path_buf(),
    }
}

fn start() -> Server {
    let programs = programs();
    // Short and directly below /tmp: the socket's whole path may have 107 bytes, and the other user must reach it.
    let folder = tempfile::Builder::new()
        .prefix("alpg")
        .tempdir_in("/tmp")
        .expect("a temporary folder")
        .keep();
    let user: &[&str] = if is_root() {
        run_ok(Command::new("chown").arg("postgres").arg(&folder));
        &[
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "--",
        ]
    } else {
        &[]
    };
    let as_user = |program: &Path| {
        let mut words: Vec<std::ffi::OsString> = user.iter().map(Into::into).collect();
        words.push(program.into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir("/")
            .env("LC_ALL", "C");
        command
    };
    let data = folder.join("data");
    run_ok(
        as_user(&programs.join("initdb"))
            .args([
                "--username=airlock",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(&data),
    );
    // Durability is of no use to a database that lives for one test run.
    let settings = "listen_addresses=''\nfsync=off\nsynchronous_commit=off\nfull_page_writes=off\nmax_connections=300\nshared_buffers=64MB\nlogging_collector=off\n";
    let mut conf = std::fs::OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .expect("initdb wrote postgresql.conf");
    writeln!(
        conf,
        "{settings}unix_socket_directories='{}'",
        folder.display()
    )
    .expect("the settings are written");
    drop(conf);
    run_ok(
        as_user(&programs.join("pg_ctl"))
            .args(["start", "--wait", "--silent", "--timeout=60", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(folder.join("log")),
    );
    let guard = guard(&folder, &data);
    Server {
        programs,
        folder,
        _guard: guard,
    }
}

/// Starts the shell that cleans up when our end of the pipe closes.
fn guard(folder: &Path, data: &Path) -> Child {
    let script = "trap '' INT TERM HUP; echo ready; read -r line; pid=$(head -n 1 \"$2/postmaster.pid\" 2>/dev/null) && kill -QUIT \"$pid\"; \
                  while kill -0 \"$pid\" 2>/dev/null; do sleep 0.1; done; rm -rf \"$1\"";
    let mut child = Command::new("sh")
        .args(["-c", script, "airlock-test-postgres"])
        .arg(folder)
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("stdout was piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("the guarding shell says that it is there");
    child
}

fn percent_encoded(path: &Path) -> String {
    path.to_string_lossy()
        .replace('%', "%25")
        .replace('/', "%2F")
}
