//! Whether a process holds a lock for writing on a database, asked without taking one.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// True when the kernel lists a lock for writing on the file itself or on rpm's `.rpm.lock` beside it.
///
/// `/proc/locks` has a line a lock: `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF`, with device and inode. Where it
/// cannot be read, the answer is no.
pub(super) fn is_written(database: &Path) -> bool {
    let Ok(locks) = std::fs::read_to_string("/proc/locks") else {
        return false;
    };
    let beside = database.with_file_name(".rpm.lock");
    [database, beside.as_path()]
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .any(|metadata| {
            let device = metadata.dev();
            let wanted = format!(
                "{:02x}:{:02x}:{}",
                major(device),
                minor(device),
                metadata.ino()
            );
            locks.lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                let writes = words.any(|word| word == "WRITE");
                writes && words.any(|word| word == wanted)
            })
        })
}

/// The parts of a device number as Linux puts them together for programs.
fn major(device: u64) -> u64 {
    (device >> 32 & 0xffff_f000) | (device >> 8 & 0xfff)
}

fn minor(device: u64) -> u64 {
    (device >> 12 & 0xffff_ff00) | (device & 0xff)
}
