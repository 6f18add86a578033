//! A sync that finds nothing new: one request, and not a byte written.

use std::path::Path;

use airlock_testkit::http::HttpServer;
use airlock_testkit::process::{Server, Start};
use airlock_testkit::states::Distribution;

/// The database as it lies on the disk.
fn bytes(data: &Path) -> Vec<Vec<u8>> {
    ["airlock.db", "airlock.db-wal"]
        .map(|name| std::fs::read(data.join(name)).unwrap())
        .to_vec()
}

fn task(server: &Server, id: &str) -> serde_json::Value {
    serde_json::from_str(&server.airlock_ok(&["task", "show", id, "--json"])).unwrap()
}

#[test]
fn an_unchanged_sync_is_one_request_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Distribution::at(folder.path().join("upstream"));
    let http = HttpServer::serve(folder.path().join("upstream"));
    let data = folder.path().join("data");
    let server = Start::new(&data).start();
    server.airlock_ok(&["channel", "create", "el9-base", "--upstream", &http.url()]);
    let first = server.airlock_ok(&["channel", "sync", "el9-base", "--no-wait"]);
    let first = first.trim();
    let text = server.airlock_ok(&["task", "watch", first]);
    assert!(text.contains("state:    done"), "{text}");

    let before = bytes(&data);
    http.reset_counts();
    let line = server.airlock_ok(&["channel", "sync", "el9-base"]);
    assert!(line.contains("unchanged"), "{line}");
    assert_eq!(http.total(), 1, "{:?}", http.requests());
    assert!(before == bytes(&data), "an unchanged sync wrote something");

    let id = server.airlock_ok(&["channel", "sync", "el9-base", "--no-wait"]);
    let id = id.trim();
    server.airlock_ok(&["task", "watch", id]);
    let shown = task(&server, id);
    assert_eq!(shown["state"], "done", "{shown}");
    assert_eq!(shown["result"][0]["state"], "unchanged", "{shown}");
    let cancelled = server.airlock_ok(&["task", "cancel", id]);
    assert!(cancelled.contains("over already"), "{cancelled}");
    let list = server.airlock_ok(&["task", "list", "--all", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[0]["id"].to_string(), id, "{list}");
    assert_eq!(list.as_array().unwrap().len(), 3, "{list}");
    assert_eq!(http.total(), 2);
    assert!(before == bytes(&data), "an unchanged sync wrote something");

    // What changes something has a row, which outlives the server; its number is nobody else's.
    upstream.next_day();
    let changed = server.airlock_ok(&["channel", "sync", "el9-base", "--no-wait"]);
    let changed = changed.trim();
    server.airlock_ok(&["task", "watch", changed]);
    server.kill();
    let server = Start::new(&data).start();
    assert_eq!(task(&server, changed)["state"], "done");
    assert_eq!(task(&server, first)["state"], "done");
    let gone = server.airlock(&["task", "show", id]);
    assert_eq!(gone.code, 1, "{}", gone.text());
    let later = server.airlock_ok(&["channel", "sync", "el9-base", "--no-wait"]);
    let number = |text: &str| text.trim().parse::<i64>().unwrap();
    assert!(number(&later) > number(changed), "{later} after {changed}");
    server.stop();
    // A clean end gives numbers back that nobody had.
    let server = Start::new(&data).start();
    let next = server.airlock_ok(&["fsck", "--no-wait"]);
    assert_eq!(number(&next), number(&later) + 1);
    server.stop();
}
