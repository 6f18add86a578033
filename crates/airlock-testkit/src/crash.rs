//! The crash loop: `kill -9` at a seeded random instant of a command, then look at what is left.
//!
//! For each verb the state before it is prepared once and copied for each seed. The command runs against a real
//! server, which is killed at a random instant of the time that the command takes undisturbed. After the restart
//! every watched channel has to be served whole, in the old or in the new state; `airlock fsck --deep` has to be
//! clean; and the command, given again, has to lead to the new state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{Server, Start, airlock_binary};
use crate::programs::run_ok;
use crate::seeded::Seeded;
use crate::served::walk;

mod stage;

pub use stage::{Stage, set_stage};

/// The states that a channel may be seen in: package checksums, `None` for "there is no such channel".
pub type Contents = Option<BTreeSet<String>>;

/// One command under test.
#[derive(Debug, Clone)]
pub struct Verb {
    /// Its name in reports.
    pub name: String,
    /// The words behind `airlock`.
    pub words: Vec<String>,
    /// The words to give again after the crash; the same by default. Exit status 1 is allowed where the command had
    /// been carried out already.
    pub again: Vec<String>,
    /// For each watched channel: its state before and after.
    pub watched: BTreeMap<String, (Contents, Contents)>,
    /// Whether the command given again must end with 0.
    pub again_succeeds: bool,
}

impl Verb {
    /// A command whose repetition succeeds.
    #[must_use]
    pub fn new(name: &str, words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Self {
            name: name.to_owned(),
            again: words.clone(),
            words,
            watched: BTreeMap::new(),
            again_succeeds: true,
        }
    }

    /// Watches a channel.
    #[must_use]
    pub fn watch(mut self, label: &str, before: Contents, after: Contents) -> Self {
        self.watched.insert(label.to_owned(), (before, after));
        self
    }

    /// Repetition may fail, since the command cannot be carried out twice (`delete`).
    #[must_use]
    pub fn once(mut self) -> Self {
        self.again_succeeds = false;
        self
    }
}

/// What a loop saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kills.
    pub kills: u32,
    /// Restarts that showed the old state.
    pub old: u32,
    /// Restarts that showed the new state.
    pub new: u32,
    /// Kills that came when the command had ended already.
    pub late: u32,
}

/// Runs a verb for `seeds` seeds from `first_seed` on, over copies of the prepared data folder.
///
/// # Panics
/// At the first seed after which something is lost; the text names verb, seed and instant, and the data folder is
/// kept.
#[track_caller]
pub fn crash_loop(
    prepared: &Path,
    scratch: &Path,
    verb: &Verb,
    first_seed: u64,
    seeds: u32,
) -> Counts {
    let usual = undisturbed(prepared, scratch, verb);
    let mut counts = Counts::default();
    for number in 0..seeds {
        let seed = first_seed + u64::from(number);
        let mut source = Seeded::new(seed);
        // A tenth more than it takes, so that the very end is hit as well.
        let span = usual.as_micros() as u64 * 11 / 10;
        let after = Duration::from_micros(source.below(span.max(1)));
        let data = copy(prepared, scratch, &format!("{}-{seed}", verb.name));
        let place = format!(
            "{} seed {seed} after {after:?} of {usual:?}, data in {}",
            verb.name,
            data.display()
        );
        once(&data, verb, after, &place, &mut counts);
        let _ = std::fs::remove_dir_all(&data);
        let _ = std::fs::remove_file(data.with_extension("log"));
    }
    counts
}

fn once(data: &Path, verb: &Verb, after: Duration, place: &str, counts: &mut Counts) {
    let server = Start::new(data).start();
    let mut command = command(data, &verb.words);
    let started = Instant::now();
    let mut child = command.spawn().expect("airlock starts");
    // Waiting for an instant is the experiment itself, not a wait for something to happen.
    std::thread::sleep(after.saturating_sub(started.elapsed()));
    let ended = matches!(child.try_wait(), Ok(Some(_)));
    server.kill();
    counts.kills += 1;
    counts.late += u32::from(ended);
    let _ = child.wait();

    let server = Start::new(data).start();
    let (mut all_old, mut changed) = (true, BTreeSet::new());
    for (label, (before, after)) in &verb.watched {
        let found = seen(&server, label, place);
        assert!(
            found == *before || found == *after,
            "{place}: {label} is in neither state: {} packages, {} before, {} after\n{}",
            size(&found),
            size(before),
            size(after),
            server.log()
        );
        all_old &= found == *before;
        if before != after {
            changed.insert(found == *after);
        }
    }
    assert!(
        changed.len() < 2,
        "{place}: some channels are in the old state and some in the new one"
    );
    if all_old {
        counts.old += 1;
    } else {
        counts.new += 1;
    }
    let checked = server.airlock(&["fsck", "--deep"]);
    assert!(
        checked.code == 0,
        "{place}: fsck --deep: {}",
        checked.text()
    );
    let words: Vec<&str> = verb.again.iter().map(String::as_str).collect();
    let again = server.airlock(&words);
    assert!(
        again.code == 0 || !verb.again_succeeds,
        "{place}: given again: {}\n{}",
        again.text(),
        server.log()
    );
    for (label, (_, after)) in &verb.watched {
        let found = seen(&server, label, place);
        assert!(
            found == *after,
            "{place}: {label} is not in the new state after the command was given again"
        );
    }
    server.kill();
}

fn size(contents: &Contents) -> String {
    contents.as_ref().map_or_else(
        || "no channel".to_owned(),
        |packages| packages.len().to_string(),
    )
}

fn seen(server: &Server, label: &str, place: &str) -> Contents {
    walk(server.address(), &format!("/repos/{label}/")).unwrap_or_else(|broken| {
        panic!("{place}: {label} is not whole: {broken}\n{}", server.log())
    })
}

/// How long the command takes when nobody disturbs it; also checks that it leads from the old to the new state.
fn undisturbed(prepared: &Path, scratch: &Path, verb: &Verb) -> Duration {
    let data = copy(prepared, scratch, &format!("{}-undisturbed", verb.name));
    let server = Start::new(&data).start();
    for (label, (before, _)) in &verb.watched {
        assert!(
            seen(&server, label, &verb.name) == *before,
            "{}: {label} is not in the old state",
            verb.name
        );
    }
    let words: Vec<&str> = verb.words.iter().map(String::as_str).collect();
    let started = Instant::now();
    let _ = server.airlock(&words).expect_success();
    let took = started.elapsed();
    for (label, (_, after)) in &verb.watched {
        assert!(
            seen(&server, label, &verb.name) == *after,
            "{}: {label} is not in the new state",
            verb.name
        );
    }
    server.stop();
    let _ = std::fs::remove_dir_all(&data);
    took
}

fn command(data: &Path, words: &[String]) -> Command {
    let mut command = Command::new(airlock_binary());
    command
        .args(words)
        .env("AIRLOCK_DATA", data)
        .env_remove("AIRLOCK_SERVER")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A copy of a data folder whose server is not running.
fn copy(prepared: &Path, scratch: &Path, name: &str) -> PathBuf {
    let data = scratch.join(name);
    let _ = std::fs::remove_dir_all(&data);
    run_ok(Command::new("cp").arg("-a").arg(prepared).arg(&data));
    data
}
