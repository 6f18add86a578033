//! A disk that is full: the server's data on a small file system of its own, filled up to the last page.
//!
//! The file system is a tmpfs in a mount namespace of the test's own (with a user namespace where the test does not run
//! as root), so the test program starts itself once more inside of it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use airlock_testkit::process::{Server, Start, airlock_binary, signal};
use airlock_testkit::programs::{is_root, require, run_ok};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;
use airlock_testkit::served::walk;
use airlock_testkit::states::Distribution;

/// Where the small file system is, inside.
const INSIDE: &str = "AIRLOCK_TEST_SMALL_DISK";

/// Runs `scenario` with a folder that is a file system of so many megabytes. `name` is the test's own.
fn on_small_disk(name: &str, megabytes: u32, scenario: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return scenario(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(require("unshare"));
    command.args(if is_root() {
        &["--mount"][..]
    } else {
        &["--mount", "--user", "--map-root-user"]
    });
    let script = format!("mount -t tmpfs -o size={megabytes}m none \"$1\" && shift && exec \"$@\"");
    run_ok(
        command
            .args(["sh", "-c", &script, "sh"])
            .arg(folder.path())
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, folder.path()),
    );
}

/// A file that takes the room away.
struct Ballast(PathBuf);

impl Ballast {
    /// Leaves so many kilobytes.
    fn leave(&self, kilobytes: u64) {
        let folder = self.0.parent().unwrap();
        // The server may write down the end of a task between the look and the taking: then it is looked at again.
        for _ in 0..100 {
            self.drop_it();
            let free = run_ok(
                Command::new("stat")
                    .args(["--file-system", "--format=%a %S"])
                    .arg(folder),
            );
            let numbers: Vec<u64> = free
                .split_whitespace()
                .map(|word| word.parse().unwrap())
                .collect();
            let take = (numbers[0] * numbers[1]).saturating_sub(kilobytes << 10);
            let taken = Command::new("fallocate")
                .arg("--length")
                .arg(take.to_string())
                .arg(&self.0)
                .output()
                .unwrap();
            if taken.status.success() {
                return;
            }
        }
        panic!("the room cannot be taken away");
    }

    fn drop_it(&self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn state(server: &Server, label: &str) -> Option<BTreeSet<String>> {
    walk(server.address(), &format!("/repos/{label}/"))
        .unwrap_or_else(|broken| panic!("{label} is not whole: {broken}\n{}", server.log()))
}

/// Gives a command with little room, then with more, until it succeeds; after each failure the old state is served
/// and, once there is room, found clean.
fn until_it_fits(server: &Server, ballast: &Ballast, label: &str, words: &[&str]) {
    let old = state(server, label);
    let mut refusals = Vec::new();
    for kilobytes in [
        0, 4, 16, 40, 80, 120, 160, 240, 320, 640, 1_280, 2_560, 5_120, 10_240,
    ] {
        ballast.leave(kilobytes);
        let finished = server.airlock(words);
        if finished.code == 0 {
            break;
        }
        println!("{kilobytes} kB, {words:?}: {}", finished.text().trim_end());
        let text = finished.text().to_lowercase();
        assert!(
            [
                "no space left",
                "disk is full",
                "are kept free (--min-free)"
            ]
            .iter()
            .any(|reason| text.contains(reason)),
            "{kilobytes} kB: {text}\n{}",
            server.log()
        );
        assert!(!text.contains("unexpected"), "{text}");
        assert_eq!(state(server, label), old, "{kilobytes} kB: another state");
        refusals.push(kilobytes);
        ballast.drop_it();
        let checked = server.airlock(&["fsck", "--deep"]);
        assert_eq!(
            checked.code,
            0,
            "{kilobytes} kB: {}\n{}",
            checked.text(),
            server.log()
        );
    }
    assert!(refusals.len() > 2, "{words:?} failed with {refusals:?} kB");
    assert_ne!(state(server, label), old, "{words:?} changes something");
    ballast.drop_it();
    server.airlock_ok(&["fsck", "--deep"]);
}

/// Bytes that nothing compresses.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut source = Seeded::new(seed);
    (0..length).map(|_| source.below(256) as u8).collect()
}

#[test]
fn a_full_disk_stops_changes_and_nothing_else() {
    on_small_disk(
        "disk_full::a_full_disk_stops_changes_and_nothing_else",
        32,
        |disk| {
            let outside = tempfile::tempdir().unwrap();
            let mut upstream = Distribution::at(outside.path().join("upstream"));
            let server = Start::new(disk.join("data"))
                .argument("--min-free=0")
                .start();
            let ballast = Ballast(disk.join("ballast"));
            server.airlock_ok(&[
                "channel",
                "create",
                "el9-base",
                "--upstream",
                &upstream.url(),
            ]);
            server.airlock_ok(&["channel", "sync", "el9-base"]);

            upstream
                .repository()
                .add(&Rpm::new("bulky", "1", "1").file("/usr/share/bulky", noise(1, 1_500_000)));
            upstream.next_day();
            until_it_fits(
                &server,
                &ballast,
                "el9-base",
                &["channel", "sync", "el9-base"],
            );

            // Stopped with no room at all, started with room for its address alone: reading goes on.
            ballast.leave(0);
            let old = state(&server, "el9-base");
            server.stop();
            ballast.leave(16);
            let server = Start::new(disk.join("data")).start();
            assert_eq!(state(&server, "el9-base"), old);
            ballast.drop_it();
            server.airlock_ok(&["fsck", "--deep"]);
            server.stop();
        },
    );
}

#[test]
fn tasks_on_a_full_disk_end_and_say_why() {
    on_small_disk(
        "disk_full::tasks_on_a_full_disk_end_and_say_why",
        32,
        |disk| {
            let outside = tempfile::tempdir().unwrap();
            let upstream = Distribution::at(outside.path().join("upstream"));
            let server = Start::new(disk.join("data"))
                .argument("--min-free=0")
                .start();
            let ballast = Ballast(disk.join("ballast"));
            let create = ["channel", "create", "el9-base", "--upstream"];
            server.airlock_ok(&[&create[..], &[&upstream.url()]].concat());
            server.airlock_ok(&["channel", "sync", "el9-base"]);
            for label in ["el9-test", "el9-tools"] {
                server.airlock_ok(&["channel", "create", label]);
            }
            until_it_fits(
                &server,
                &ballast,
                "el9-test",
                &["channel", "promote", "el9-base", "el9-test"],
            );
            let listed = server.airlock_ok(&["channel", "packages", "el9-test", "--json"]);
            let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
            let first = &listed[0];
            let nevra = format!(
                "{}-{}-{}.{}",
                first["name"].as_str().unwrap(),
                first["version"].as_str().unwrap(),
                first["release"].as_str().unwrap(),
                first["arch"].as_str().unwrap()
            );
            until_it_fits(
                &server,
                &ballast,
                "el9-test",
                &["channel", "remove", "el9-test", &nevra],
            );
            let tool = Rpm::new("tool", "1", "1")
                .file("/usr/share/tool", noise(2, 300_000))
                .write_to(outside.path());
            until_it_fits(
                &server,
                &ballast,
                "el9-tools",
                &["channel", "push", "el9-tools", tool.to_str().unwrap()],
            );

            // Queued while there was room, begun when there is none.
            let queued = ["channel", "promote", "el9-base", "el9-tools", "--no-wait"];
            let old = state(&server, "el9-tools");
            ballast.leave(0);
            let finished = server.airlock(&queued);
            if finished.code == 0 {
                let shown = server.airlock(&["task", "watch", finished.stdout.trim()]);
                assert_ne!(shown.code, 0, "{}", shown.text());
                assert!(shown.text().contains("disk is full"), "{}", shown.text());
            }
            ballast.drop_it();
            let open = server.airlock_ok(&["task", "list", "--json"]);
            assert_eq!(open.trim(), "[]", "nothing waits for ever");
            assert_eq!(state(&server, "el9-tools"), old);
            server.airlock_ok(&["fsck", "--deep"]);
            server.stop();
        },
    );
}

/// Starts a server and says what it said up to its line about being ready, or all when it ended instead. Its errors
/// have a reader as long as the last of what is returned lives.
fn said_at_start(data: &Path) -> (Child, String, Option<BufReader<ChildStderr>>) {
    let mut child = Command::new(airlock_binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    while errors.read_line(&mut text).unwrap() > 0 {
        if text.contains("ready: http://") {
            return (child, text, Some(errors));
        }
    }
    (child, text, None)
}

#[test]
fn a_start_without_a_free_byte_serves_or_says_what_is_missing() {
    on_small_disk(
        "disk_full::a_start_without_a_free_byte_serves_or_says_what_is_missing",
        32,
        |disk| {
            let outside = tempfile::tempdir().unwrap();
            let upstream = Distribution::at(outside.path().join("upstream"));
            let data = disk.join("data");
            let server = Start::new(&data).argument("--min-free=0").start();
            let ballast = Ballast(disk.join("ballast"));
            let create = ["channel", "create", "el9-base", "--upstream"];
            server.airlock_ok(&[&create[..], &[&upstream.url()]].concat());
            server.airlock_ok(&["channel", "sync", "el9-base"]);
            let old = state(&server, "el9-base");
            server.stop();
            let mut served = 0;
            for kilobytes in [0, 4, 8, 16, 32, 64, 128] {
                ballast.leave(kilobytes);
                let (mut child, text, ready) = said_at_start(&data);
                println!("{kilobytes} kB: {text}");
                if let Some(mut errors) = ready {
                    served += 1;
                    let address = text.rsplit_once("ready: http://").unwrap().1;
                    let address = address.split_once(',').unwrap().0;
                    let now = walk(address, "/repos/el9-base/").unwrap();
                    assert_eq!(now, old, "{kilobytes} kB");
                    signal(child.id(), "TERM");
                    let mut rest = String::new();
                    errors.read_to_string(&mut rest).unwrap();
                    assert!(child.wait().unwrap().success(), "{rest}");
                } else {
                    assert!(!child.wait().unwrap().success());
                    assert!(
                        text.contains("is full") && text.contains("free some space"),
                        "{kilobytes} kB: {text}"
                    );
                }
            }
            assert!(served > 0, "128 kB are enough to read");
            ballast.drop_it();
            let server = Start::new(&data).start();
            assert_eq!(state(&server, "el9-base"), old);
            server.airlock_ok(&["fsck", "--deep"]);
            server.stop();
        },
    );
}

#[test]
fn the_free_share_is_left_free() {
    on_small_disk("disk_full::the_free_share_is_left_free", 32, |disk| {
        let outside = tempfile::tempdir().unwrap();
        let mut upstream = Distribution::at(outside.path().join("upstream"));
        let server = Start::new(disk.join("data"))
            .argument("--min-free=50")
            .start();
        let ballast = Ballast(disk.join("ballast"));
        server.airlock_ok(&[
            "channel",
            "create",
            "el9-base",
            "--upstream",
            &upstream.url(),
        ]);
        server.airlock_ok(&["channel", "sync", "el9-base"]);
        let old = state(&server, "el9-base");
        upstream.next_day();
        ballast.leave(8_000);
        let finished = server
            .airlock(&["channel", "sync", "el9-base"])
            .expect_failure();
        let text = finished.text();
        assert!(
            text.contains("el9-base needs ")
                && text.contains(" are free and ")
                && text.contains(" are kept free (--min-free)"),
            "{text}"
        );
        assert_eq!(state(&server, "el9-base"), old);
        ballast.drop_it();
        server.airlock_ok(&["channel", "sync", "el9-base"]);
        server.airlock_ok(&["fsck", "--deep"]);
        server.stop();
    });
}
