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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_compared_as_it_was_before_it_was_prelinked() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("program"), b"\x7fELF changed").unwrap();
        std::fs::write(at("never"), b"\x7fELF never prelinked").unwrap();
        std::fs::write(at("text"), b"no program").unwrap();
        // Stands for prelink: knows the original of one file, and fails for others as prelink does.
        let script = "#!/bin/sh\ncase $2 in\n*/program) printf original ;;\n*) exit 1 ;;\nesac\n";
        std::fs::write(at("prelink"), script).unwrap();
        std::fs::set_permissions(at("prelink"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let prelink = Prelink {
            program: at("prelink"),
        };
        let root = Root::open(folder.path()).unwrap();
        let mut original = Running::new(DigestAlgorithm::Sha256).unwrap();
        original.update(b"original");
        let expected = Some((original.finish(), 8));
        let asked = |path: &[u8]| prelink.original(&root, path, DigestAlgorithm::Sha256);
        assert_eq!(asked(b"/program"), expected);
        assert_eq!(asked(b"/never"), None);
        assert_eq!(asked(b"/text"), None);
        assert_eq!(asked(b"/absent"), None);
    }
}
