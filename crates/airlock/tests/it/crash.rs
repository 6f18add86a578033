//! `kill -9` at seeded instants of each verb (`scripts/crash-loop N` does more of the same).

use std::path::PathBuf;
use std::sync::OnceLock;

use airlock_testkit::crash::{Stage, crash_loop, set_stage};

struct Prepared {
    stage: Stage,
    scratch: PathBuf,
    _folder: tempfile::TempDir,
}

fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("copies");
        std::fs::create_dir_all(&scratch).unwrap();
        Prepared {
            stage: set_stage(folder.path()),
            scratch,
            _folder: folder,
        }
    })
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

fn verb(name: &str) {
    let prepared = prepared();
    let verb = prepared
        .stage
        .verbs
        .iter()
        .find(|verb| verb.name == name)
        .expect("the verb is on the stage");
    let seeds = u32::try_from(number("AIRLOCK_CRASH_SEEDS", 20)).unwrap();
    let counts = crash_loop(
        &prepared.stage.data,
        &prepared.scratch,
        verb,
        number("AIRLOCK_CRASH_FIRST_SEED", 1),
        seeds,
    );
    println!("crash {name}: {counts:?}");
    assert_eq!(counts.kills, seeds);
}

macro_rules! verbs {
    ($($test:ident $name:literal),+ $(,)?) => { $(#[test] fn $test() { verb($name); })+ };
}

verbs!(
    crash_sync "sync",
    crash_push "push",
    crash_edit "edit",
    crash_promote "promote",
    crash_rollback "rollback",
    crash_delete "delete",
    crash_clone "clone",
    crash_gc "gc",
);
