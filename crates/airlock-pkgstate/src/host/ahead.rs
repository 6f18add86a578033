//! Looking at many packages at once: all processors, what they find kept until it is asked for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::seen::Seen;
use crate::decide::{Omit, Verdict};
use crate::inventory::Installed;

/// More workers than any machine has processors for.
const MOST_THREADS: usize = 64;

/// Verdicts that were found ahead, by number of the package and checks left out.
#[derive(Default)]
pub(super) struct Ahead {
    verdicts: HashMap<(u32, Omit), (Installed, Result<Verdict, String>)>,
}

impl Ahead {
    /// Looks at all packages that are going to be asked about.
    pub(super) fn look(seen: &Seen, asked: Vec<(Installed, Omit)>) -> Self {
        let mut distinct: HashMap<(u32, Omit), Installed> = HashMap::new();
        for (package, omit) in asked {
            distinct.insert((package.number, omit), package);
        }
        let mut todo: Vec<((u32, Omit), Installed)> = distinct.into_iter().collect();
        // One alone gains nothing from being looked at now.
        if todo.len() < 2 {
            return Self::default();
        }
        // In the order of the database, which is roughly that of the disk.
        todo.sort_by_key(|((number, _), _)| *number);
        let next = AtomicUsize::new(0);
        let found = Mutex::new(HashMap::with_capacity(todo.len()));
        let work = || {
            while let Some((key, package)) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = seen.check(package, &key.1);
                if let Ok(mut found) = found.lock() {
                    found.insert(key.clone(), (package.clone(), verdict));
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 1..threads.min(MOST_THREADS).min(todo.len()) {
                // With fewer than asked for it takes longer, that is all.
                if std::thread::Builder::new()
                    .spawn_scoped(scope, work)
                    .is_err()
                {
                    break;
                }
            }
            work();
        });
        Self {
            verdicts: found.into_inner().unwrap_or_default(),
        }
    }

    /// What was found, if it was looked at.
    pub(super) fn verdict(
        &self,
        package: &Installed,
        omit: &Omit,
    ) -> Option<Result<Verdict, String>> {
        let (looked_at, verdict) = self.verdicts.get(&(package.number, omit.clone()))?;
        (looked_at == package).then(|| verdict.clone())
    }
}
