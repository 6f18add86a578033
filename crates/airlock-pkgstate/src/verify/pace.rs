//! How gently the disk is read.

use std::io;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};

/// How gently files are read. The default is at full speed.
#[derive(Debug, Default)]
pub struct Pace {
    /// Leave the page cache as it was: what was not in it before is dropped after it was read.
    pub keep_cache: bool,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    bytes_a_second: u64,
    /// When the next bytes may be read.
    next: Mutex<Instant>,
}

impl Pace {
    /// With a bound on bytes read a second, over all threads together.
    pub fn new(keep_cache: bool, bytes_a_second: Option<u64>) -> Self {
        Self {
            keep_cache,
            limit: bytes_a_second
                .filter(|rate| *rate > 0)
                .map(|bytes_a_second| Limit {
                    bytes_a_second,
                    next: Mutex::new(Instant::now()),
                }),
        }
    }

    /// Waits until these bytes, which were just read, are within the bound.
    pub(super) fn spend(&self, bytes: usize) {
        let Some(limit) = &self.limit else {
            return;
        };
        let cost = Duration::from_secs_f64(bytes as f64 / limit.bytes_a_second as f64);
        let now = Instant::now();
        let due = match limit.next.lock() {
            Ok(mut next) => {
                *next = (*next).max(now) + cost;
                *next
            }
            Err(_) => return,
        };
        std::thread::sleep(due.saturating_duration_since(now));
    }

    /// Asks whether the start of a file is not in the page cache, without bringing it in.
    pub(super) fn is_foreign(&self, file: impl AsFd) -> bool {
        if !self.keep_cache {
            return false;
        }
        let mut byte = [0];
        let read = rustix::io::preadv2(
            file,
            &mut [io::IoSliceMut::new(&mut byte)],
            0,
            ReadWriteFlags::NOWAIT,
        );
        is_absent(read)
    }

    /// Drops a file from the page cache that was not in it before.
    pub(super) fn forget(file: impl AsFd) {
        // A kernel that cannot do it keeps the pages; nothing else depends on it.
        let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
    }
}

/// What reading without waiting says. Kernels before 4.14, and file systems that cannot tell, count as if nothing had been
/// there: dropping spares what is mapped, so that programs that run keep their pages, and the rest of the cache is not pushed
/// out by what is read here.
fn is_absent(read: Result<usize, Errno>) -> bool {
    matches!(
        read,
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_cannot_tell_counts_as_if_nothing_was_there() {
        for (read, absent) in [
            (Ok(1), false),
            (Ok(0), false),
            (Err(Errno::AGAIN), true),
            (Err(Errno::NOSYS), true),
            (Err(Errno::OPNOTSUPP), true),
            (Err(Errno::IO), false),
        ] {
            assert_eq!(is_absent(read), absent, "{read:?}");
        }
    }
}
