//! The running program: signals, reload, metrics, and one at a time.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use airlock_model::{HypervisorAnswer, HypervisorBody, HypervisorMessage, HypervisorVerdict};

use crate::server::{Asked, Reply, Server};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(root: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_airlock-virt-who"))
            .env_clear()
            .arg("--root")
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(root.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.0.id().to_string())
            .status();
        assert!(done.unwrap().success());
    }
}

/// Waits for a condition; a test that waits in vain fails after a minute.
async fn until(what: &str, root: &Path, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}:\n{log}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Source and kind of each message, in order.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

async fn server() -> (Server, Heard) {
    let heard = Heard::default();
    let inside = Arc::clone(&heard);
    let server = Server::start(move |asked: &Asked| {
        let message: HypervisorMessage = serde_json::from_slice(&asked.body).unwrap();
        let what = match message.body {
            HypervisorBody::Full { hosts, .. } => format!("full {}", hosts.len()),
            HypervisorBody::Difference {
                changed, removed, ..
            } => format!("+{} -{}", changed.len(), removed.len()),
            HypervisorBody::Heartbeat { .. } => "heartbeat".to_owned(),
            HypervisorBody::Silent { .. } => "silent".to_owned(),
            HypervisorBody::Retire => "retire".to_owned(),
        };
        let source = message.source.rsplit('/').next().unwrap().to_owned();
        inside.lock().unwrap().push((source, what));
        let answer = HypervisorAnswer {
            verdict: HypervisorVerdict::Applied,
            sequence: message.sequence,
            reason: None,
            warnings: Vec::new(),
        };
        Reply::new(
            200,
            "application/json",
            serde_json::to_vec(&answer).unwrap(),
        )
    })
    .await;
    (server, heard)
}

fn section(name: &str, port: u16) -> String {
    format!(
        "[{name}]\ntype=fake\nfile=/{name}.json\nis_hypervisor=true\nairlock_server=http://127.0.0.1:{port}\nairlock_token=top-secret\n"
    )
}

fn hosts(names: &[&str]) -> String {
    let hosts: Vec<String> = names
        .iter()
        .map(|name| format!("{{\"hypervisorId\":{{\"hypervisorId\":\"{name}\"}},\"guestIds\":[]}}"))
        .collect();
    format!("{{\"hypervisors\":[{}]}}", hosts.join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_applies_the_difference_and_an_end_is_clean() {
    let (server, heard) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let folder = root.join("etc/virt-who.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(root.join("one.json"), hosts(&["a", "b"])).unwrap();
    std::fs::write(root.join("two.json"), hosts(&["c"])).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = free.local_addr().unwrap();
    drop(free);
    std::fs::write(
        root.join("etc/virt-who.conf"),
        format!("[global]\nmetrics_file=/metrics.prom\nmetrics_listen={metrics}\ndebug=true\n"),
    )
    .unwrap();
    std::fs::write(folder.join("one.conf"), section("one", server.port)).unwrap();
    let mut running = Running::start(root);
    let has = |source: &str, what: &str| {
        let wanted = (source.to_owned(), what.to_owned());
        heard.lock().unwrap().contains(&wanted)
    };
    until("the first report", root, || has("one", "full 2")).await;

    until("the metrics", root, || {
        let mut answer = String::new();
        std::net::TcpStream::connect(metrics).is_ok_and(|mut stream| {
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").is_ok()
                && stream.read_to_string(&mut answer).is_ok()
        }) && answer.contains("airlock_virt_who_source_hosts{source=\"one\"} 2\n")
    })
    .await;

    // A second one does not start.
    let second = Command::new(env!("CARGO_BIN_EXE_airlock-virt-who"))
        .env_clear()
        .arg("--root")
        .arg(root)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already running"));

    // A section more: only it is read.
    std::fs::write(folder.join("two.conf"), section("two", server.port)).unwrap();
    running.signal("HUP");
    until("the new source", root, || has("two", "full 1")).await;
    let fulls = heard
        .lock()
        .unwrap()
        .iter()
        .filter(|(source, what)| source == "one" && what.starts_with("full"))
        .count();
    assert_eq!(fulls, 1, "the old one went on");

    // A mistake in a file takes nothing away.
    std::fs::write(folder.join("two.conf"), "nonsense\n").unwrap();
    running.signal("HUP");
    until("the warning", root, || {
        std::fs::read_to_string(root.join("log"))
            .unwrap()
            .contains("The configuration stays as it was, because a part of it cannot be read")
    })
    .await;
    assert!(!has("two", "retire"));

    // The log may go elsewhere, and a folder that is missing is made.
    std::fs::write(folder.join("two.conf"), section("two", server.port)).unwrap();
    std::fs::write(
        root.join("etc/virt-who.conf"),
        "[global]\nlog_dir=/elsewhere/logs\nlog_file=own.log\ndebug=true\nmetrics_file=/metrics.prom\n",
    )
    .unwrap();
    running.signal("HUP");
    let elsewhere = root.join("elsewhere/logs/own.log");
    until("the other log", root, || elsewhere.is_file()).await;
    std::fs::write(
        root.join("etc/virt-who.conf"),
        format!("[global]\nmetrics_file=/metrics.prom\nmetrics_listen={metrics}\ndebug=true\n"),
    )
    .unwrap();

    // A section less: the server is told.
    std::fs::remove_file(folder.join("two.conf")).unwrap();
    running.signal("HUP");
    until("the farewell", root, || has("two", "retire")).await;
    assert!(!has("one", "retire"));

    running.signal("TERM");
    let ended = running.0.wait().unwrap();
    assert_eq!(ended.code(), Some(0));
    let log = std::fs::read_to_string(root.join("log")).unwrap();
    let file = std::fs::read_to_string(root.join("var/log/rhsm/rhsm.log")).unwrap();
    assert!(
        !log.contains("top-secret") && !file.contains("top-secret"),
        "{log}"
    );
    assert!(file.contains("[INFO] @engine.rs:"), "{file}");
    assert!(
        file.contains("Using configuration \"one\" (\"fake\" mode)"),
        "{file}"
    );
    let metrics = std::fs::read_to_string(root.join("metrics.prom")).unwrap();
    assert!(
        metrics.contains("# TYPE airlock_virt_who_source_up gauge"),
        "{metrics}"
    );

    // After a restart only what changed is said.
    heard.lock().unwrap().clear();
    std::fs::write(root.join("one.json"), hosts(&["a", "x"])).unwrap();
    let again = Running::start(root);
    until("the difference", root, || has("one", "+1 -1")).await;
    drop(again);
}
