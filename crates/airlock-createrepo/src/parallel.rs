//! Work on all cores, results in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies a function to all items on so many threads; items are begun in their order. Each thread
/// has a state of its own.
pub(crate) fn map<T: Sync, S, R: Send>(
    workers: usize,
    items: &[T],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    share(workers, items, |next, results| {
        let mut state = state();
        while let Some((at, item)) = next() {
            results.push((at, work(&mut state, item)));
        }
    })
}

/// As [`map`], where each thread takes items when it wants them and may work on several: `work` is called once a
/// thread, takes items with their places until there are none, and adds a result for each place.
pub(crate) fn share<'t, T: Sync, R: Send>(
    workers: usize,
    items: &'t [T],
    work: impl Fn(&mut dyn FnMut() -> Option<(usize, &'t T)>, &mut Vec<(usize, R)>) + Sync,
) -> Vec<R> {
    let workers = workers.min(items.len()).max(1);
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        items.get(at).map(|item| (at, item))
    };
    let mut all = Vec::with_capacity(items.len());
    if workers == 1 {
        work(&mut { take }, &mut all);
    } else {
        let done = Mutex::new(all);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    let mut own = Vec::new();
                    work(&mut { take }, &mut own);
                    match done.lock() {
                        Ok(mut all) => all.extend(own),
                        Err(poisoned) => poisoned.into_inner().extend(own),
                    }
                });
            }
        });
        all = match done.into_inner() {
            Ok(all) => all,
            Err(poisoned) => poisoned.into_inner(),
        };
    }
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
