//! A server that answers what a test tells it, for commands whose real answers take a real clone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub token: Option<String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status and body.
pub type Answer = (u16, Vec<u8>);

/// The server; it ends with the test's process.
pub struct FakeServer {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeServer {
    /// Answers every request by `answer`.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, answer.as_ref()));
            }
        });
        Self { url, asked }
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The same, each as `METHOD PATH`, without the questions how far a task is.
    pub fn lines(&self) -> Vec<String> {
        let all = self.asked();
        let lines = all.iter().map(Asked::line);
        lines.filter(|line| !line.contains("?wait=")).collect()
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(&Asked) -> Answer + ?Sized),
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let mut asked = Asked {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        token: None,
        body: Vec::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => {
                asked.token = value.trim().strip_prefix("Bearer ").map(str::to_owned)
            }
            _ => {}
        }
    }
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    log.lock().ok()?.push(asked.clone());
    let (status, body) = answer(&asked);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .ok()?;
    stream.write_all(&body).ok()
}

/// 200 with a document.
pub fn ok(value: &Value) -> Answer {
    (200, value.to_string().into_bytes())
}

/// A problem document.
pub fn problem(status: u16, kind: &str, detail: &str, hint: &str) -> Answer {
    let document = json!({
        "type": format!("urn:airlock:problem:{kind}"), "title": "X", "status": status, "detail": detail, "kind": kind,
        "hint": hint, "request_id": "ab12"
    });
    (status, document.to_string().into_bytes())
}

/// A task that ended well, or one that runs.
pub fn task(id: i64, kind: &str, result: Option<Value>) -> Value {
    let state = if result.is_some() { "done" } else { "running" };
    json!({
        "id": id, "kind": kind, "subject": "x", "state": state, "principal": "local:0", "cause": "request",
        "request_id": "ab12", "progress": { "stage": "", "done": 0, "total": 0, "unit": "" }, "notes": [],
        "result": result, "error": null, "created": "2026-01-01T00:00:00Z", "started": null, "finished": null,
        "cancel_requested": false
    })
}
