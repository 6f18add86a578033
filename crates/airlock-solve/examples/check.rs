//! Reads repository folders as one pool, checks every package, and says how long each step took.
//!
//! `cargo run --release -p airlock-solve --example check -- [--filelists] [--show N] [--solve NAME]… FOLDER…`

#![allow(clippy::expect_used, clippy::panic)]

#[path = "../tests/it/folder.rs"]
mod folder;

use std::path::PathBuf;
use std::time::Instant;

use airlock_solve::{Installability, Pool, PoolBuilder, Settings, Solver, Universe};

fn main() {
    let mut folders = Vec::new();
    let (mut filelists, mut show, mut names) = (false, 10, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--filelists" => filelists = true,
            "--show" => show = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            "--solve" => names.extend(arguments.next()),
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
    let mut solver = Solver::new(&universe, |_| true);
    clock.step("solver");
    let mut steps = 0;
    for (number, id) in broken.iter().enumerate() {
        let explanation = solver.explain(*id).expect("a reason");
        steps += explanation.steps.len();
        if number < show {
            println!("{}", explanation.lines(&pool).join("\n    "));
        }
    }
    clock.step("explanations");
    println!("{steps} steps");
    if !names.is_empty() {
        let requests: Vec<_> = names.iter().map(|name| universe.candidates(name)).collect();
        clock.step("candidates");
        let solved = solver.solve(&requests);
        clock.step("solve");
        match solved {
            Ok(found) => println!("{} packages", found.packages.len()),
            Err(explanation) => println!("{}", explanation.lines(&pool).join("\n")),
        }
        let mut times: Vec<f64> = Vec::new();
        for (id, _) in pool.packages().step_by(pool.len() / 1000 + 1) {
            let start = Instant::now();
            let _ = solver.solve(&[vec![id]]);
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{} single solves: median {:.5} s, longest {:.5} s",
            times.len(),
            times[times.len() / 2],
            times[times.len() - 1]
        );
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
