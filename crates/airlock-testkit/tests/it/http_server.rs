use std::process::Command;

use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::programs::{Finished, require, run};

fn curl(words: &[&str], url: &str) -> Finished {
    run(Command::new(require("curl"))
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(words)
        .arg(url))
}

fn server() -> (tempfile::TempDir, HttpServer) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("repodata")).unwrap();
    std::fs::write(folder.path().join("repodata/repomd.xml"), "0123456789").unwrap();
    std::fs::write(folder.path().join("a b+c.txt"), "named").unwrap();
    let server = HttpServer::serve(folder.path());
    (folder, server)
}

#[test]
fn files_are_served_and_requests_counted() {
    let (_folder, server) = server();
    let url = format!("{}/repodata/repomd.xml", server.url());
    assert_eq!(curl(&[], &url).stdout, "0123456789");
    assert_eq!(curl(&["--range", "2-4"], &url).stdout, "234");
    assert_eq!(
        curl(&[], &format!("{}/a%20b+c.txt", server.url())).stdout,
        "named"
    );
    assert_eq!(
        curl(
            &["-o", "/dev/null", "-w", "%{http_code}"],
            &format!("{}/none", server.url())
        )
        .stdout,
        "404"
    );
    assert_eq!(
        curl(
            &["--path-as-is", "-w", "%{http_code}"],
            &format!("{}/x/../../etc/passwd", server.url())
        )
        .stdout
        .lines()
        .last(),
        Some("404")
    );
    assert_eq!(server.count("/repodata/repomd.xml"), 2);
    assert_eq!(
        server.bytes_sent(),
        13 + 5 + 2 * "no such file\n".len() as u64
    );
    assert_eq!(server.requests()[1].headers["range"], "bytes=2-4");
}

#[test]
fn an_unchanged_file_costs_no_body() {
    let (folder, server) = server();
    let url = format!("{}/repodata/repomd.xml", server.url());
    let tags = folder.path().join("etag");
    let tag = tags.to_str().unwrap();
    curl(&["--etag-save", tag], &url)
        .expect_success()
        .stdout
        .clear();
    let code = curl(&["--etag-compare", tag, "-w", "%{http_code}"], &url).stdout;
    assert_eq!(code, "304");
}

#[test]
fn faults_hit_the_chosen_request_only() {
    let (_folder, server) = server();
    let path = "/repodata/repomd.xml";
    let url = format!("{}{path}", server.url());
    server.fault_at(path, 1, Fault::Status(503));
    server.fault_at(path, 2, Fault::CutAfter(4));
    server.fault_at(path, 3, Fault::Replace(b"other".to_vec()));
    server.fault_at(path, 4, Fault::FlipBit);
    server.fault_at(path, 5, Fault::Close);
    assert_eq!(
        curl(&["-o", "/dev/null", "-w", "%{http_code}"], &url).stdout,
        "503"
    );
    let cut = curl(&[], &url).expect_failure();
    assert_eq!(cut.stdout, "0123");
    assert_eq!(curl(&[], &url).stdout, "other");
    assert_eq!(curl(&[], &url).stdout, "01234%6789");
    let _ = curl(&[], &url).expect_failure();
    assert_eq!(curl(&[], &url).stdout, "0123456789");
}

#[test]
fn a_stalled_mirror_ends_with_the_server() {
    let (_folder, server) = server();
    server.fault("/repodata/*", Fault::Stall);
    let url = format!("{}/repodata/repomd.xml", server.url());
    let mut client = Command::new(require("curl"))
        .args(["--silent", &url])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while server.count("/repodata/repomd.xml") == 0 {
        std::thread::yield_now();
    }
    assert!(client.try_wait().unwrap().is_none());
    drop(server);
    assert!(!client.wait().unwrap().success());
}

#[test]
fn a_path_can_demand_a_password() {
    let (_folder, server) = server();
    server.fault(
        "/*",
        Fault::NeedAuthorization("Basic dXNlcjpzZWNyZXQ=".to_owned()),
    );
    let url = format!("{}/repodata/repomd.xml", server.url());
    assert_eq!(
        curl(&["-o", "/dev/null", "-w", "%{http_code}"], &url).stdout,
        "401"
    );
    assert_eq!(curl(&["--user", "user:secret"], &url).stdout, "0123456789");
}
