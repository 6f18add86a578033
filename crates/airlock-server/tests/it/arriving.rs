//! Packages that reach the client while they come from the upstream: over the fast lane and over the general path.
//!
//! The upstream holds the second half of a file at a gate. What a test reads before it opens the gate can only have
//! been handed on while the download was running.

use std::path::Path;
use std::time::Duration;

use airlock_testkit::http::{Fault, Gate, HttpServer};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;
use airlock_testkit::served::sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Server, start};

/// The last bytes of an answer, which wait for the checksum.
const HELD_BACK: usize = 64 * 1024;
/// A request with a body, even an empty one, is not for the fast lane.
const GENERAL: &str = "Content-Length: 0\r\n";

struct Mirror {
    server: Server,
    upstream: HttpServer,
    folder: tempfile::TempDir,
}

/// An on-demand channel of packages of some 600,000 bytes.
async fn mirror(names: &[&str]) -> Mirror {
    let folder = tempfile::tempdir().unwrap();
    let mut repository = Repository::at(folder.path());
    for (seed, name) in names.iter().enumerate() {
        let payload = Seeded::new(seed as u64).bytes(600_000);
        repository.add(&Rpm::new(name, "1.0", "1").file(&format!("/usr/share/{name}"), payload));
    }
    repository.publish();
    let upstream = HttpServer::serve(folder.path());
    let server = start().await;
    let channel = serde_json::json!({
        "label": "el9-base",
        "settings": {
            "policy": "on-demand",
            "signatures": "off",
            "upstreams": [{ "url": upstream.url() }],
        },
    });
    let made = server
        .admin("POST", "/api/v1/channels", &channel.to_string())
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let sync = server
        .admin("POST", "/api/v1/sync", "{\"channels\":[\"el9-base\"]}")
        .await;
    let path = sync.header("location").unwrap();
    let task = server
        .admin("GET", &format!("{path}?wait=60"), "")
        .await
        .json();
    assert_eq!(task["state"], "done", "{task}");
    upstream.reset_counts();
    Mirror {
        server,
        upstream,
        folder,
    }
}

fn path(name: &str) -> String {
    format!("/Packages/{}/{name}-1.0-1.noarch.rpm", &name[..1])
}

impl Mirror {
    fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(&path(name)[1..])).unwrap()
    }

    /// Sends a request and reads the head of the answer.
    async fn ask(&self, method: &str, name: &str, more: &str) -> Coming {
        let mut stream = TcpStream::connect(&self.server.address).await.unwrap();
        let request = format!(
            "{method} /repos/el9-base{} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{more}\r\n",
            path(name)
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(stream.read_u8()).await.unwrap());
        }
        Coming {
            stream,
            answer: Answer {
                status: std::str::from_utf8(&head[9..12]).unwrap().parse().unwrap(),
                head: String::from_utf8(head).unwrap(),
                body: Vec::new(),
            },
        }
    }

    /// Whether a file of that content lies anywhere in the server's folder.
    fn stores(&self, content: &[u8]) -> bool {
        let size = content.len() as u64;
        let mut folders = vec![self.server.folder()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else if metadata.len() == size && has(&entry.path(), content) {
                    return true;
                }
            }
        }
        false
    }
}

fn has(path: &Path, content: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes == content)
}

/// An answer whose head is here.
struct Coming {
    stream: TcpStream,
    answer: Answer,
}

impl Coming {
    /// Reads until so many bytes of the body are here.
    async fn until(&mut self, length: usize) -> &[u8] {
        let mut more = vec![0; length - self.answer.body.len()];
        soon(self.stream.read_exact(&mut more)).await.unwrap();
        self.answer.body.extend_from_slice(&more);
        &self.answer.body
    }

    /// Reads to the end of the connection, whatever end it is.
    async fn end(mut self) -> Answer {
        let _ = soon(self.stream.read_to_end(&mut self.answer.body)).await;
        self.answer
    }
}

/// A test that waits for what never comes fails instead of hanging.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(100), work)
        .await
        .expect("nothing came: the server waits for the rest of the file")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_half_is_here_before_the_upstream_sends_the_second() {
    let mirror = mirror(&["first", "second"]).await;
    for (name, more) in [("first", ""), ("second", GENERAL)] {
        let content = mirror.content(name);
        let gate = Gate::new();
        let half = content.len() / 2;
        mirror
            .upstream
            .fault(&path(name), Fault::Gate(half, gate.clone()));
        let mut coming = mirror.ask("GET", name, more).await;
        assert_eq!(coming.answer.status, 200);
        assert_eq!(
            coming.answer.header("content-length"),
            Some(content.len().to_string())
        );
        assert_eq!(
            coming.answer.header("etag"),
            Some(format!("\"{}\"", sha256(&content)))
        );
        assert!(coming.until(half).await == &content[..half]);
        gate.open();
        assert!(coming.end().await.body == content);
        assert!(mirror.stores(&content));
        assert!(mirror.ask("GET", name, more).await.end().await.body == content);
        assert_eq!(mirror.upstream.count(&path(name)), 1);
    }
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_never_ends_well_and_is_not_stored() {
    let mirror = mirror(&["first", "second"]).await;
    for (name, more) in [("first", ""), ("second", GENERAL)] {
        let content = mirror.content(name);
        let mut wrong = content.clone();
        *wrong.last_mut().unwrap() ^= 1;
        mirror
            .upstream
            .fault(&path(name), Fault::Replace(wrong.clone()));
        let answer = mirror.ask("GET", name, more).await.end().await;
        // A download that failed before the first byte was handed on may be told as a plain error.
        if answer.status == 200 {
            assert!(answer.body.len() <= content.len() - HELD_BACK);
        } else {
            assert_eq!(answer.status, 502, "{answer:?}");
        }
        assert!(!mirror.stores(&wrong) && !mirror.stores(&content));
        mirror.upstream.clear_faults();
        assert!(mirror.ask("GET", name, more).await.end().await.body == content);
    }
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_turns_wrong_on_the_way_breaks_the_transfer() {
    let mirror = mirror(&["first", "second"]).await;
    for (name, more) in [("first", ""), ("second", GENERAL)] {
        let content = mirror.content(name);
        let mut wrong = content.clone();
        *wrong.last_mut().unwrap() ^= 1;
        std::fs::write(mirror.folder.path().join(&path(name)[1..]), &wrong).unwrap();
        let (gate, half) = (Gate::new(), content.len() / 2);
        mirror
            .upstream
            .fault(&path(name), Fault::Gate(half, gate.clone()));
        let mut coming = mirror.ask("GET", name, more).await;
        let _ = coming.until(half).await;
        gate.open();
        let answer = coming.end().await;
        assert_eq!(answer.status, 200);
        assert!(
            (half..=content.len() - HELD_BACK).contains(&answer.body.len()),
            "{} of {} bytes came",
            answer.body.len(),
            content.len()
        );
        assert!(!mirror.stores(&wrong));
    }
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_share_one_download_and_may_leave_it() {
    let mirror = mirror(&["first"]).await;
    let content = mirror.content("first");
    let (gate, half) = (Gate::new(), content.len() / 2);
    mirror
        .upstream
        .fault(&path("first"), Fault::Gate(half, gate.clone()));
    let mut leaves = mirror.ask("GET", "first", "").await;
    assert!(leaves.until(half).await == &content[..half]);
    let mut stays = mirror.ask("GET", "first", GENERAL).await;
    assert!(stays.until(half).await == &content[..half]);
    drop(leaves);
    gate.open();
    assert!(stays.end().await.body == content);
    assert_eq!(mirror.upstream.count(&path("first")), 1);
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_stored_when_its_only_client_has_left() {
    let mirror = mirror(&["first"]).await;
    let content = mirror.content("first");
    let (gate, half) = (Gate::new(), content.len() / 2);
    mirror
        .upstream
        .fault(&path("first"), Fault::Gate(half, gate.clone()));
    let mut leaves = mirror.ask("GET", "first", "").await;
    let _ = leaves.until(half).await;
    drop(leaves);
    gate.open();
    // Comes to the running download or to the stored file; a second request to the upstream would be a third way.
    assert!(mirror.ask("GET", "first", "").await.end().await.body == content);
    assert!(mirror.stores(&content));
    assert_eq!(mirror.upstream.count(&path("first")), 1);
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_dies_in_the_middle_is_asked_for_the_rest() {
    let mirror = mirror(&["first", "second"]).await;
    for (name, again) in [("first", None), ("second", Some(Fault::IgnoreRange))] {
        let content = mirror.content(name);
        let half = content.len() / 2;
        mirror
            .upstream
            .fault_at(&path(name), 1, Fault::CutAfter(half));
        if let Some(fault) = again {
            mirror.upstream.fault_at(&path(name), 2, fault);
        }
        assert!(mirror.ask("GET", name, "").await.end().await.body == content);
        let requests = mirror.upstream.requests();
        let range = &requests.last().unwrap().headers["range"];
        assert_eq!(*range, format!("bytes={half}-"));
        assert_eq!(mirror.upstream.count(&path(name)), 2);
    }
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_without_the_file_is_a_bad_gateway() {
    let mirror = mirror(&["first"]).await;
    mirror.upstream.fault(&path("first"), Fault::Status(404));
    for method in ["GET", "HEAD"] {
        for more in ["", GENERAL] {
            let answer = mirror.ask(method, "first", more).await.end().await;
            assert_eq!(answer.status, 502, "{answer:?}");
            if method == "GET" {
                let detail = answer.json()["detail"].to_string();
                assert!(detail.contains("HTTP status 404"), "{detail}");
            }
        }
    }
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_conditions_and_ranges_of_a_package_on_its_way() {
    let mirror = mirror(&["first"]).await;
    let content = mirror.content("first");
    let (gate, half) = (Gate::new(), content.len() / 2);
    mirror
        .upstream
        .fault(&path("first"), Fault::Gate(half, gate.clone()));
    let head = mirror.ask("HEAD", "first", "").await.end().await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("content-length"),
        Some(content.len().to_string())
    );
    // A HEAD has no range: what it says is of the whole file.
    for range in ["bytes=5-9", "bytes=99999999-"] {
        let header = format!("Range: {range}\r\n");
        let head = mirror.ask("HEAD", "first", &header).await.end().await;
        assert_eq!(head.status, 200, "{range}");
        assert_eq!(
            head.header("content-length"),
            Some(content.len().to_string())
        );
        assert_eq!(head.header("content-range"), None);
    }
    let etag = head.header("etag").unwrap();
    let known = mirror
        .ask("GET", "first", &format!("If-None-Match: {etag}\r\n"))
        .await;
    assert_eq!(known.answer.status, 304);

    // A long range comes as far as it is here, but for what is held back of it.
    let (start, end) = (1_000, 1_000 + 200_000);
    let mut long = mirror
        .ask(
            "GET",
            "first",
            &format!("Range: bytes={start}-{}\r\n", end - 1),
        )
        .await;
    assert_eq!(long.answer.status, 206);
    assert_eq!(
        long.answer.header("content-range"),
        Some(format!("bytes {start}-{}/{}", end - 1, content.len()))
    );
    let early = end - start - HELD_BACK;
    assert!(long.until(early).await == &content[start..start + early]);

    // A short one and several come from the store.
    let short = mirror.ask("GET", "first", "Range: bytes=5-9\r\n");
    let several = mirror.ask("GET", "first", "Range: bytes=5-9,20-29\r\n");
    let opened = async {
        gate.open();
    };
    let (short, several, ()) = tokio::join!(short, several, opened);
    assert_eq!((short.answer.status, several.answer.status), (206, 206));
    assert!(short.end().await.body == content[5..10]);
    let several = several.end().await.body;
    assert!(several.windows(10).any(|bytes| bytes == &content[20..30]));
    assert!(long.end().await.body == content[start..end]);
    assert_eq!(mirror.upstream.count(&path("first")), 1);
    mirror.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_does_not_wait_for_another_one() {
    let names: Vec<String> = (0..7).map(|number| format!("held{number}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.push("free");
    let mirror = mirror(&all).await;
    let gate = Gate::new();
    let mut held = Vec::new();
    for name in &names {
        mirror
            .upstream
            .fault(&path(name), Fault::Gate(300_000, gate.clone()));
        held.push(mirror.ask("GET", name, "").await);
    }
    let free = mirror.ask("GET", "free", "").await.end().await;
    assert!(free.body == mirror.content("free"));
    gate.open();
    for (coming, name) in held.into_iter().zip(&names) {
        assert!(coming.end().await.body == mirror.content(name));
    }
    mirror.server.stop().await;
}
