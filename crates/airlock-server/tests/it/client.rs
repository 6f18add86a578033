//! A server in this process, and the barest HTTP client.

use std::path::Path;
use std::time::Duration;

use airlock_server::settings::{Layer, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const PASSWORD: &str = "correct horse battery";

/// A running server; its data folder goes with it.
pub struct Server {
    pub data: tempfile::TempDir,
    pub address: String,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), airlock_server::ServeError>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

pub async fn start() -> Server {
    start_with(|_| Layer::default()).await
}

pub async fn start_with(layer: impl FnOnce(&Path) -> Layer) -> Server {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("data");
    let base = Layer {
        data: Some(path.clone()),
        listen: Some("127.0.0.1:0".into()),
        ..Layer::default()
    };
    let settings: Settings = base.overridden_by(layer(data.path())).settle().unwrap();
    let (end, ended) = oneshot::channel();
    let task = tokio::spawn(airlock_server::serve_until(
        settings,
        Some(PASSWORD.into()),
        async {
            let _ = ended.await;
        },
    ));
    let file = path.join("address");
    for _ in 0..6_000 {
        if let Ok(address) = std::fs::read_to_string(&file) {
            return Server {
                data,
                address: address.trim().to_owned(),
                end: Some(end),
                task,
            };
        }
        if task.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server is not ready: {:?}", task.await);
}

impl Server {
    pub fn folder(&self) -> std::path::PathBuf {
        self.data.path().join("data")
    }

    /// Ends it, and expects a clean end.
    pub async fn stop(mut self) {
        self.end.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    pub async fn raw(&self, request: &[u8]) -> Answer {
        exchange(TcpStream::connect(&self.address).await.unwrap(), request).await
    }

    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        self.raw(&request(method, path, token, body, "")).await
    }

    /// As the local administrator.
    pub async fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        let stream = airlock_server::local_socket::connect(&self.folder()).unwrap();
        exchange(
            UnixStream::from_std(stream).unwrap(),
            &request(method, path, None, body, ""),
        )
        .await
    }

    /// A token of that role.
    pub async fn token(&self, role: &str) -> String {
        let body = serde_json::json!({ "name": role, "role": role }).to_string();
        let answer = self.admin("POST", "/api/v1/tokens", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

pub fn request(method: &str, path: &str, token: Option<&str>, body: &str, more: &str) -> Vec<u8> {
    let authorization = token
        .map(|token| format!("Authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    let content = if body.is_empty() && method != "POST" {
        String::new()
    } else {
        format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )
    };
    format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{authorization}{content}{more}\r\n{body}").into_bytes()
}

pub async fn exchange<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T, request: &[u8]) -> Answer {
    // A server that refuses a large body may close before it read all of it.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {bytes:?}"));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: bytes.split_off(end + 4),
    }
}
