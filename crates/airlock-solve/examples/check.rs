//! Reads repository folders as one pool, checks every package, and says how long each step took.
//!
//! `cargo run --release -p airlock-solve --example check -- [--filelists] [--show N] FOLDER…`

#![allow(clippy::expect_used, clippy::panic)]

#[path = "../tests/it/folder.rs"]
mod folder;

use std::path::PathBuf;
use std::time::Instant;

use airlock_solve::{Installability, Pool, PoolBuilder, Settings, Universe};

fn main() {
    let mut folders = Vec::new();
    let (mut filelists, mut show) = (false, 10);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--filelists" => filelists = true,
            "--show" => show = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            folder => folders.push(PathBuf::from(folder)),
        }
    }
    let mut clock = Clock(Instant::now());
    let mut builder = PoolBuilder::new();
    let added: Vec<_> = folders
        .into_iter()
        .map(|path| {
            let label = path.display().to_string();
            (folder::add_primary(&mut builder, &path, &label), path)
        })
        .collect();
    clock.step("primary");
    let wanted = builder.wanted_paths();
    println!(
        "{} paths wanted, beyond primary: {}",
        wanted.len(),
        wanted.are_beyond_primary()
    );
    if filelists || wanted.are_beyond_primary() {
        folder::add_filelists(&mut builder, &added);
        clock.step("filelists");
    }
    let pool = builder.finish();
    clock.step("finish");
    println!("{} packages, {} MB", pool.len(), memory());
    let stored = pool.write();
    clock.step("write");
    let pool = Pool::read(&stored).expect("what was written");
    clock.step("read stored");
    println!("{} MB stored", stored.len() >> 20);
    let universe = Universe::new(&pool, &Settings::default());
    clock.step("universe");
    let found = Installability::check(&universe);
    clock.step("installability");
    let broken: Vec<_> = found.broken().collect();
    println!(
        "{} checked, {} broken, {} MB",
        found.checked(),
        broken.len(),
        memory()
    );
    for id in broken.iter().take(show) {
        println!("{}", pool.nevra(*id));
    }
}

struct Clock(Instant);

impl Clock {
    fn step(&mut self, what: &str) {
        println!("{what:16} {:7.3} s", self.0.elapsed().as_secs_f64());
        self.0 = Instant::now();
    }
}

/// Most memory that was used so far, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) >> 10
}
