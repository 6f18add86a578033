//! The tree that installed files are in: paths resolved as if the process were rooted there.
//!
//! rpm enters the root (`chroot`); an absolute link inside leads to another place inside. Here the kernel resolves
//! paths so (`openat2` with `RESOLVE_IN_ROOT`, Linux 5.6), on older kernels part by part. A path never leads out of the
//! root, whatever links say.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// As many links as the kernel follows in one path.
const MOST_LINKS: u32 = 40;
/// Longest name of a file and longest path: what Linux allows.
const LONGEST_PATH: usize = 4096;

/// A tree of files.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    /// The same without links, and without a slash at the end.
    real: Vec<u8>,
    folder: OwnedFd,
    is_system: bool,
    /// The kernel knows `openat2`.
    in_kernel: AtomicBool,
}

impl Root {
    /// Opens a root; `/` is the running system.
    ///
    /// # Errors
    /// When it is no folder that can be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let real = path.canonicalize()?;
        let is_system = real == Path::new("/");
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        // Old kernels do not know it, and some sandboxes do not allow it.
        let probe = rustix::fs::openat2(&folder, ".", flags, Mode::empty(), ResolveFlags::IN_ROOT);
        Ok(Self {
            folder,
            is_system,
            real: match is_system {
                true => Vec::new(),
                false => real.as_os_str().as_bytes().to_vec(),
            },
            path: path.to_owned(),
            in_kernel: AtomicBool::new(probe.is_ok()),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True for the running system.
    pub fn is_system(&self) -> bool {
        self.is_system
    }

    /// Opens a folder by its path inside the root, to look at what is in it.
    pub fn folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        self.resolve(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC)
    }

    /// Opens a path inside the root; nothing is created.
    pub(crate) fn open_with(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        self.resolve(path, flags | OFlags::CLOEXEC)
    }

    /// Makes a folder inside the root with all folders above it, and gives its path from outside, free of links: what is
    /// written there stays in the root, wherever links of the root point to.
    ///
    /// # Errors
    /// What the system says; links that lead in a circle.
    pub fn make_folder(&self, path: &str) -> io::Result<PathBuf> {
        self.make_folder_within(path, MOST_LINKS)
    }

    fn make_folder_within(&self, path: &str, links: u32) -> io::Result<PathBuf> {
        let links = links.checked_sub(1).ok_or(Errno::LOOP)?;
        let mut here = String::new();
        let mut fd = self.folder(b"/")?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let above = here.clone();
            here = format!("{here}/{part}");
            let missing = match self.folder(here.as_bytes()) {
                Ok(next) => {
                    fd = next;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => part,
                Err(error) => return Err(error),
            };
            match rustix::fs::mkdirat(&fd, missing, Mode::from_raw_mode(0o755)) {
                Ok(()) => {}
                // A link to a folder that is not there yet, as /var/lock to /run/lock.
                Err(Errno::EXIST) => {
                    let target = rustix::fs::readlinkat(&fd, missing, Vec::new())?;
                    let target = target.to_str().map_err(|_| Errno::ILSEQ)?.to_owned();
                    match target.starts_with('/') {
                        true => self.make_folder_within(&target, links)?,
                        false => self.make_folder_within(&format!("{above}/{target}"), links)?,
                    };
                }
                Err(error) => return Err(error.into()),
            }
            fd = self.folder(here.as_bytes())?;
        }
        std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
    }

    /// Opens a file for reading. Never waits for a FIFO, never follows a link in its last part, leaves the time of
    /// access alone where that is allowed.
    pub(super) fn open_file(&self, path: &[u8]) -> io::Result<std::fs::File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match self.resolve(path, flags | OFlags::NOATIME) {
            // Only the owner and root may ask for that.
            Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
                self.resolve(path, flags)
            }
            other => other,
        };
        Ok(std::fs::File::from(opened?))
    }

    /// As [`Root::folder`], with a path that leads there from outside of the root as well, when it goes through no link.
    fn plain_folder(&self, path: &[u8]) -> io::Result<(OwnedFd, Option<Vec<u8>>)> {
        let outside = || [&self.real, path].concat();
        if self.is_system {
            return Ok((self.folder(path)?, Some(outside())));
        }
        if self.in_kernel.load(Ordering::Relaxed) && path.len() <= LONGEST_PATH {
            let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let name = OsStr::from_bytes(inside(path));
            // Whatever is wrong with it is told by the second way.
            if let Ok(fd) = rustix::fs::openat2(&self.folder, name, flags, Mode::empty(), how) {
                return Ok((fd, Some(outside())));
            }
        }
        Ok((self.folder(path)?, None))
    }

    /// Looks at a path, following links.
    pub fn stat(&self, path: &[u8]) -> io::Result<Stat> {
        let file = self.resolve(path, OFlags::PATH | OFlags::CLOEXEC)?;
        Ok(rustix::fs::fstat(&file)?)
    }

    /// Reads a small file whole, following links.
    pub fn read_small(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        use std::io::Read;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = std::fs::File::from(self.resolve(path, flags)?);
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn resolve(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        if path.len() > LONGEST_PATH {
            return Err(Errno::NAMETOOLONG.into());
        }
        let relative = inside(path);
        if self.in_kernel.load(Ordering::Relaxed) {
            let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            let opened = rustix::fs::openat2(
                &self.folder,
                OsStr::from_bytes(relative),
                flags,
                Mode::empty(),
                how,
            );
            match opened {
                // A rename beside it; the kernel gives up rather than be led astray.
                Err(Errno::AGAIN) => {}
                other => return Ok(other?),
            }
        }
        if self.is_system {
            let path = OsStr::from_bytes(if path.is_empty() { b"/" } else { path });
            return Ok(rustix::fs::open(path, flags, Mode::empty())?);
        }
        self.by_parts(relative, flags)
    }

    /// Resolves a path part by part, each link as if the root were `/`.
    fn by_parts(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Folders from the root down to where the path has led so far.
        let mut way: Vec<OwnedFd> = Vec::new();
        // Parts still to go, the next one last.
        let mut parts: Vec<Vec<u8>> = parts(path);
        let mut links = 0;
        while let Some(part) = parts.pop() {
            let here = way.last().map_or(self.folder.as_fd(), AsFd::as_fd);
            match &part[..] {
                b"." => continue,
                b".." => {
                    way.pop();
                    continue;
                }
                _ => {}
            }
            let name = OsStr::from_bytes(&part);
            let status = rustix::fs::statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let stays = parts.is_empty() && flags.contains(OFlags::NOFOLLOW);
            if file_type(&status) == LINK && !stays {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = rustix::fs::readlinkat(here, name, Vec::new())?;
                let target = target.as_bytes();
                if target.starts_with(b"/") {
                    way.clear();
                }
                if target.len() > LONGEST_PATH {
                    return Err(Errno::NAMETOOLONG.into());
                }
                parts.extend(self::parts(inside(target)));
                continue;
            }
            let flags = if parts.is_empty() {
                flags | OFlags::NOFOLLOW
            } else {
                step | OFlags::DIRECTORY
            };
            let next = rustix::fs::openat(here, name, flags, Mode::empty())?;
            way.push(next);
        }
        match way.pop() {
            Some(end) => Ok(end),
            None => Ok(rustix::fs::openat(&self.folder, ".", flags, Mode::empty())?),
        }
    }
}

/// Type of a file as the upper bits of its mode.
pub(super) fn file_type(status: &Stat) -> u32 {
    status.st_mode & 0o170_000
}

pub(super) const LINK: u32 = 0o120_000;
pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const FOLDER: u32 = 0o040_000;
pub(super) const CHARACTER_DEVICE: u32 = 0o020_000;
pub(super) const BLOCK_DEVICE: u32 = 0o060_000;

/// A path without the slashes in front, `.` for the root itself.
fn inside(path: &[u8]) -> &[u8] {
    let start = path
        .iter()
        .position(|byte| *byte != b'/')
        .unwrap_or(path.len());
    match &path[start..] {
        b"" => b".",
        relative => relative,
    }
}

/// The parts of a path, the first one last.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
        .map(<[u8]>::to_vec)
        .rev()
        .collect()
}

/// A folder of the root that files are looked at in, one after the other.
pub(super) struct Folder {
    fd: io::Result<OwnedFd>,
    /// Its path from outside of the root, with a slash at the end, where there is a safe one.
    outside: Option<Vec<u8>>,
}

impl Folder {
    pub(super) fn open(root: &Root, path: &[u8]) -> Self {
        match root.plain_folder(path) {
            Ok((fd, outside)) => Self {
                fd: Ok(fd),
                outside,
            },
            Err(error) => Self {
                fd: Err(error),
                outside: None,
            },
        }
    }

    fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        match &self.fd {
            Ok(fd) => Ok(fd.as_fd()),
            Err(error) => Err(copy(error)),
        }
    }

    /// Looks at a file, not following links. An empty name is the folder itself.
    pub(super) fn lstat(&self, name: &[u8]) -> io::Result<Stat> {
        let fd = self.fd()?;
        let flags = match name.is_empty() {
            true => AtFlags::EMPTY_PATH,
            false => AtFlags::SYMLINK_NOFOLLOW,
        };
        Ok(rustix::fs::statat(fd, OsStr::from_bytes(name), flags)?)
    }

    pub(super) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(self.fd()?, OsStr::from_bytes(name), Vec::new())?;
        Ok(target.into_bytes())
    }

    /// The capabilities of a regular file as the kernel keeps them; empty when it has none.
    pub(super) fn capabilities(&self, name: &[u8], buffer: &mut [u8; 64]) -> io::Result<usize> {
        let fd = self.fd()?;
        // A file that is only looked at cannot be asked for them: it takes a path.
        let mut path = match &self.outside {
            Some(outside) => outside.clone(),
            None => format!("/proc/self/fd/{}/", fd.as_raw_fd()).into_bytes(),
        };
        path.extend_from_slice(name);
        let found = rustix::fs::lgetxattr(
            OsStr::from_bytes(&path),
            "security.capability",
            &mut buffer[..],
        );
        match found {
            Ok(length) => Ok(length),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::from(error.kind()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        std::fs::create_dir_all(at("usr/lib/deep")).unwrap();
        std::fs::write(at("usr/lib/deep/file"), "x").unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("/usr/lib", at("absolute")).unwrap();
        symlink("../../../../../../usr", at("up")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        tree
    }

    #[test]
    fn folders_are_made_inside_whatever_links_say() {
        let outside = tempfile::tempdir().unwrap();
        for in_kernel in [true, false] {
            let tree = tree();
            let root = Root::open(tree.path()).unwrap();
            root.in_kernel.store(in_kernel, Ordering::Relaxed);
            symlink(outside.path(), tree.path().join("var")).unwrap();
            symlink("../../run/lock", tree.path().join("usr/lib/lock")).unwrap();
            let real = tree.path().canonicalize().unwrap();
            let made = root.make_folder("var/lib/airlock").unwrap();
            assert!(made.starts_with(&real) && made.is_dir(), "{made:?}");
            assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
            let lock = root.make_folder("/usr/lib/lock/deep").unwrap();
            assert_eq!(lock, real.join("run/lock/deep"));
            assert!(root.make_folder("loop/x").is_err());
        }
    }

    #[test]
    fn links_lead_to_places_inside_with_the_kernel_and_without() {
        let tree = tree();
        for in_kernel in [true, false] {
            let root = Root::open(tree.path()).unwrap();
            root.in_kernel.store(in_kernel, Ordering::Relaxed);
            let real = root.stat(b"/usr/lib/deep/file").unwrap();
            for path in [
                "/lib/deep/file",
                "/absolute/deep/file",
                "//up/lib/./deep/file",
                "/usr/lib/deep/../../../../usr/lib/deep/file",
            ] {
                let found = root.stat(path.as_bytes()).unwrap();
                assert_eq!(
                    (found.st_dev, found.st_ino),
                    (real.st_dev, real.st_ino),
                    "{path}"
                );
            }
            for (path, errno) in [
                ("/loop", Errno::LOOP),
                ("/a/x", Errno::LOOP),
                ("/no", Errno::NOENT),
            ] {
                let error = root.stat(path.as_bytes()).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()), "{path}");
            }
            assert_eq!(root.read_small(b"/lib/deep/file", 10).unwrap(), b"x");
            assert!(root.open_file(b"/absolute/deep/file").is_ok());
            let error = root.open_file(b"/lib").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
            assert!(root.folder(b"/").is_ok());
        }
    }
}
