//! Runs that are killed at every step, and runs that meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use airlock_createrepo::{Error, Options, Reporter, run};
use airlock_repodata::Checksum;
use airlock_testkit::repos::Peer;
use sha2::Digest;

use crate::folder::Folder;

const FOLDER: &str = "AIRLOCK_KILLED_RUN_FOLDER";
const STEP: &str = "AIRLOCK_KILLED_RUN_STEP";

/// Kills its own process (SIGKILL: nothing is cleaned up) when so many things were reported.
struct KilledAt {
    step: usize,
    reported: AtomicUsize,
}

impl KilledAt {
    fn count(&self) {
        if self.reported.fetch_add(1, Ordering::SeqCst) == self.step {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .unwrap();
            // The signal may take an instant; nothing may happen in between.
            loop {
                std::thread::park();
            }
        }
    }
}

impl Reporter for KilledAt {
    fn warning(&self, text: &str) {
        panic!("{text}");
    }
    fn info(&self, _text: &str) {
        self.count();
    }
    fn detail(&self, _text: &str) {
        self.count();
    }
}

/// In a process of its own, for the test below, a run that is killed at a step; without that a whole run.
#[test]
fn a_run_with_a_step_to_die_at() {
    let given = std::env::var_os(FOLDER).map(PathBuf::from);
    let own = Folder::with(1);
    let step = std::env::var(STEP).map_or(usize::MAX, |text| text.parse().unwrap());
    let options = Options {
        workers: Some(1),
        ..Options::new(given.as_deref().unwrap_or(own.path()))
    };
    let reporter = KilledAt {
        step,
        reported: AtomicUsize::new(0),
    };
    assert!(run(&options, &reporter).unwrap().written);
}

fn run_that_dies_at(folder: &Path, step: usize) -> std::process::ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "interrupted::a_run_with_a_step_to_die_at"])
        .env(FOLDER, folder)
        .env(STEP, step.to_string())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap()
}

/// Every file that repomd.xml names is there and is the one that is meant.
#[track_caller]
fn assert_whole(folder: &Folder) {
    for record in folder.repomd().records {
        let bytes = fs::read(folder.path().join(&record.href)).unwrap();
        let value = hex::encode(sha2::Sha256::digest(&bytes));
        let kind = "sha256".to_owned();
        assert_eq!(record.checksum, Checksum { kind, value });
    }
}

#[test]
fn a_run_killed_at_any_step_leaves_the_old_or_the_new_metadata() {
    let mut seen = [0, 0];
    for step in 0.. {
        let folder = Folder::with(2);
        folder.run(|_| ()).unwrap();
        let before = folder.locations();
        folder.add(2, "1");
        let status = run_that_dies_at(folder.path(), step);
        assert_whole(&folder);
        let after = ["p0.rpm", "p2.rpm", "sub/p1.rpm"];
        let is_new = folder.locations() == after;
        assert!(is_new || folder.locations() == before, "step {step}");
        if status.success() {
            assert!(is_new && step > 5, "{step}");
            break;
        }
        seen[usize::from(is_new)] += 1;
        // The next run is not in the way of what was left, whichever run it is.
        folder
            .run(|options| options.update = step % 2 == 0)
            .unwrap();
        assert_whole(&folder);
        assert_eq!(folder.locations(), after);
        let left = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("repodata"));
        assert_eq!(left.collect::<Vec<_>>(), ["repodata"], "step {step}");
    }
    // Steps before the switch and behind it were among them.
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Says that the run has begun to read and waits until it may go on.
struct Waiting {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Reporter for Waiting {
    fn warning(&self, text: &str) {
        panic!("{text}");
    }
    fn detail(&self, text: &str) {
        if text.starts_with("Writing into") {
            self.begun.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
    }
}

#[test]
fn of_two_live_runs_the_second_fails_and_the_first_ends_well() {
    let folder = Folder::with(3);
    folder.run(|_| ()).unwrap();
    let old = folder.locations();
    folder.add(4, "1");
    let (begun, has_begun) = channel();
    let (let_go, go_on) = channel();
    let waiting = Waiting {
        begun,
        go_on: Mutex::new(go_on),
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(&folder.options(), &waiting));
        has_begun.recv().unwrap();
        for update in [false, true] {
            let error = folder.run(|options| options.update = update).unwrap_err();
            assert!(matches!(error, Error::Locked { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.contains(".repodata already exists") && text.contains("Another createrepo"),
                "{text}"
            );
        }
        // Neither does createrepo_c disturb it.
        let theirs = Command::new(Peer::Newest.program("createrepo_c"))
            .arg("-q")
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(!theirs.status.success());
        assert!(String::from_utf8_lossy(&theirs.stderr).contains("already exists"));
        assert_eq!(folder.locations(), old);
        let_go.send(()).unwrap();
        assert!(first.join().unwrap().unwrap().written);
    });
    assert_whole(&folder);
    assert_eq!(folder.locations().len(), 4);
    assert!(!folder.path().join(".repodata").exists());
}
