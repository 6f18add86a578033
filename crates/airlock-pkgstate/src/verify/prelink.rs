//! Programs that `prelink` changed after they were installed. Only old systems have it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airlock_rpm::digest::Running;
use airlock_rpm::package::DigestAlgorithm;

use super::root::Root;

/// The program that undoes it, where it is installed.
#[derive(Debug)]
pub(super) struct Prelink {
    program: PathBuf,
}

impl Prelink {
    /// Looks for `/usr/sbin/prelink` of the running system. What lies in another root is not run.
    pub(super) fn find(root: &Root) -> Option<Self> {
        let program = Path::new("/usr/sbin/prelink");
        (root.is_system() && program.is_file()).then(|| Self {
            program: program.to_owned(),
        })
    }

    /// Digest and size of a file as it was before, if it was prelinked (`prelink -y FILE`).
    pub(super) fn original(
        &self,
        root: &Root,
        path: &[u8],
        algorithm: DigestAlgorithm,
    ) -> Option<(String, u64)> {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        let file = root.path().join(std::ffi::OsStr::from_bytes(relative));
        let mut first = [0; 4];
        let mut opened = std::fs::File::open(&file).ok()?;
        std::io::Read::read_exact(&mut opened, &mut first).ok()?;
        if first != *b"\x7fELF" {
            return None;
        }
        let mut child = Command::new(&self.program)
            .arg("-y")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut running = Running::new(algorithm)?;
        let mut length = 0;
        let mut buffer = vec![0; 64 * 1024];
        let mut output = child.stdout.take()?;
        while let Ok(count) = std::io::Read::read(&mut output, &mut buffer) {
            if count == 0 {
                break;
            }
            running.update(&buffer[..count]);
            length += count as u64;
        }
        // A file that was never prelinked is an error of the program.
        child
            .wait()
            .ok()?
            .success()
            .then(|| (running.finish(), length))
    }
}
