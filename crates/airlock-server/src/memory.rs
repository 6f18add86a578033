//! Keeps the resident memory of an idle server small on glibc. With airlock-createrepo's `sha256` the only module with `unsafe`.
//!
//! glibc keeps one heap per thread by default and gives freed memory back late, so a server that once synced a large
//! channel would hold hundreds of megabytes for ever. Two heaps are enough, and after each task what is free is
//! returned to the system.

#![allow(
    unsafe_code,
    reason = "mallopt and malloc_trim have no safe wrapper; see the reasons at the calls"
)]

/// Limits glibc to two heaps that give back what is free at their top. Call it once, before threads are started.
pub fn limit_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers, touches only the allocator's own settings and is thread-safe (mallopt(3)).
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        // By default both grow to tens of megabytes with the largest block that was ever freed, and malloc_trim leaves
        // the top of every heap but the first alone: it would stay resident for ever.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 << 20);
    }
}

/// Gives free memory back to the system. Takes milliseconds; call it after long work, not per request.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes an integer, moves no allocation and is thread-safe (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Bytes resident in memory now, by `/proc/self/statm`; 0 where that is not there.
#[must_use]
pub fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_goes_back_to_the_system() {
        limit_heaps();
        // Many small pieces come from the heap, not from mappings of their own.
        let mut pieces: Vec<Vec<u8>> = (0..400_000)
            .map(|number| vec![u8::try_from(number % 251).unwrap(); 256])
            .collect();
        let full = resident_bytes();
        // A survivor at the end keeps the heap's top in place, as in a real server.
        let survivor = pieces.pop();
        drop(pieces);
        give_back();
        let after = resident_bytes();
        assert!(full > 100_000_000, "{full}");
        assert!(
            after + 50_000_000 < full,
            "{full} bytes before, {after} after"
        );
        assert!(survivor.is_some());
    }
}
