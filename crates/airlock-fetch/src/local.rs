//! `file:` upstreams: files below a folder, shared with it where the file system can.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::cancel::Cancel;
use crate::digest::{Checksum, Hashers};
use crate::download::check_sums;
use crate::error::{Error, Result};
use crate::job::{Downloaded, Job, Placed};
use crate::part::{HeldFile, fresh_path};
use crate::progress::Progress;
use crate::session::{Session, blocking};
use crate::shown::ShownUrl;
use crate::small::{Small, SmallFile, Validators};
use crate::upstream::percent_decoded;

/// The reason in [`Error::LocalFile`] when there is no such file.
pub(crate) const MISSING: &str = "the file is not there: check the upstream's path";

const STEP: usize = 512 * 1024;

impl Session {
    /// Takes a file of a local upstream.
    pub(crate) async fn place_local(
        &self,
        job: &Job,
        root: PathBuf,
        path: String,
        progress: &Progress,
        cancel: &Cancel,
    ) -> Result<Downloaded> {
        let (job, progress, cancel) = (job.clone(), progress.clone(), cancel.clone());
        let hard_links = self.0.shared.settings.hard_links;
        blocking(move || place(&job, &root, &path, hard_links, &progress, &cancel)).await?
    }
}

/// Opens the file at `path` below `root`. Symbolic links are followed, but never out of `root`.
fn open(root: &Path, path: &str) -> Result<(File, PathBuf)> {
    // Metadata may have names percent-encoded; a file of exactly that name comes first.
    match open_exact(root, path) {
        Err(error) if error.is_not_found() => {
            let decoded = percent_decoded(path);
            if decoded == path {
                Err(error)
            } else {
                open_exact(root, &decoded)
            }
        }
        other => other,
    }
}

fn open_exact(root: &Path, path: &str) -> Result<(File, PathBuf)> {
    let shown = root.join(path);
    let refused = |reason| Error::LocalFile {
        path: shown.clone(),
        reason,
    };
    let folder = rustix::fs::open(
        root,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|errno| match errno {
        Errno::NOENT | Errno::NOTDIR => Error::LocalFile {
            path: root.to_owned(),
            reason: MISSING,
        },
        errno => Error::io(root, "cannot open the upstream's folder", 0, errno.into()),
    })?;
    // Without NONBLOCK a pipe would hold us until somebody writes to it.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let beneath =
        |path: &Path, resolve| rustix::fs::openat2(&folder, path, flags, Mode::empty(), resolve);
    let opened = match beneath(
        Path::new(path),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    ) {
        // An absolute link may still point inside; and some sandboxes do not know this call.
        Err(Errno::XDEV | Errno::NOSYS | Errno::PERM) => {
            let whole = std::fs::canonicalize(root)
                .and_then(|root| Ok((std::fs::canonicalize(&shown)?, root)))
                .map_err(|source| Error::io(&shown, "cannot open the file", 0, source))?;
            let Ok(inside) = whole.0.strip_prefix(&whole.1) else {
                return Err(refused(
                    "a symbolic link leads out of the upstream's folder; refused",
                ));
            };
            match beneath(inside, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
                Err(Errno::NOSYS | Errno::PERM) => {
                    rustix::fs::open(&whole.0, flags | OFlags::NOFOLLOW, Mode::empty())
                }
                other => other,
            }
        }
        other => other,
    };
    let file = match opened {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(refused(MISSING)),
        Err(Errno::XDEV | Errno::LOOP) => {
            return Err(refused(
                "a symbolic link leads out of the upstream's folder; refused",
            ));
        }
        Err(errno) => return Err(Error::io(&shown, "cannot open the file", 0, errno.into())),
    };
    let plain = file
        .metadata()
        .map_err(|source| Error::io(&shown, "cannot open the file", 0, source))?
        .is_file();
    if plain {
        Ok((file, shown))
    } else {
        Err(refused("is no plain file"))
    }
}

fn place(
    job: &Job,
    root: &Path,
    path: &str,
    hard_links: bool,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Downloaded> {
    let (source, shown) = open(root, path)?;
    let url = ShownUrl::of_file(&shown);
    let length = source
        .metadata()
        .map_err(|error| Error::io(&shown, "cannot read the file", 0, error))?
        .len();
    if let Some(expected) = job.size
        && expected != length
    {
        return Err(Error::Size {
            url,
            expected,
            got: length,
            content_type: None,
        });
    }
    if length > job.most() {
        return Err(Error::TooLarge {
            url,
            limit: job.limit,
        });
    }
    let mut hashers = Hashers::new(job.checksum.as_ref().map(Checksum::algorithm));
    let (file, placed) = bring(
        &source,
        &shown,
        job,
        length,
        hard_links,
        &mut hashers,
        progress,
        cancel,
    )?;
    let sums = hashers.finish();
    check_sums(job, url, &sums, None)?;
    Ok(Downloaded {
        file,
        sha256: sums.sha256,
        size: sums.len,
        verified: job.checksum.is_some(),
        placed,
        resumed_from: 0,
    })
}

/// Brings the file into the folder in the cheapest way and hashes the bytes that are there then.
#[allow(clippy::too_many_arguments)]
fn bring(
    source: &File,
    shown: &Path,
    job: &Job,
    length: u64,
    hard_links: bool,
    hashers: &mut Hashers,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<(HeldFile, Placed)> {
    let path = fresh_path(&job.folder);
    let create = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| Error::io(&path, "cannot create the file", length, error))
    };
    let clone = create()?;
    let held = HeldFile(path.clone());
    if rustix::fs::ioctl_ficlone(&clone, source).is_ok() {
        hash(&clone, &path, None, length, hashers, progress, cancel)?;
        return Ok((held, Placed::Reflinked));
    }
    if hard_links && is_ours(source) && is_never_written(source) {
        std::fs::remove_file(&path)
            .map_err(|error| Error::io(&path, "cannot remove the file", 0, error))?;
        if link(source, &path) {
            hash(source, shown, None, length, hashers, progress, cancel)?;
            return Ok((held, Placed::HardLinked));
        }
        let copy = create()?;
        hash(
            source,
            shown,
            Some((&copy, &path)),
            length,
            hashers,
            progress,
            cancel,
        )?;
    } else {
        hash(
            source,
            shown,
            Some((&clone, &path)),
            length,
            hashers,
            progress,
            cancel,
        )?;
    }
    Ok((held, Placed::Copied))
}

/// Whether this process may treat the file as its own: the store renews the times of what it holds, which only the
/// owner of a file may do.
fn is_ours(source: &File) -> bool {
    let user = rustix::process::geteuid();
    user.is_root()
        || source
            .metadata()
            .is_ok_and(|data| data.uid() == user.as_raw())
}

/// Whether nobody has the right to write into the file. One that may be written would be overwritten in place one day
/// (`cp` over it), and with it what was stored of it, under a checksum that it no longer has.
fn is_never_written(source: &File) -> bool {
    source.metadata().is_ok_and(|data| data.mode() & 0o222 == 0)
}

/// Gives the very file that is open a second name; a path could name another one by now.
fn link(source: &File, path: &Path) -> bool {
    let open_file = format!("/proc/self/fd/{}", source.as_fd().as_raw_fd());
    rustix::fs::linkat(CWD, open_file.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW).is_ok()
}

fn hash(
    mut from: &File,
    from_path: &Path,
    to: Option<(&File, &Path)>,
    length: u64,
    hashers: &mut Hashers,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<()> {
    let mut buffer = vec![0_u8; usize::try_from(length).unwrap_or(STEP).clamp(1, STEP)];
    loop {
        cancel.check()?;
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io(from_path, "cannot read the file", 0, error)),
        };
        if let Some((mut file, path)) = to {
            file.write_all(&buffer[..count]).map_err(|error| {
                Error::io(
                    path,
                    "cannot write the file",
                    length.saturating_sub(hashers.len()),
                    error,
                )
            })?;
        }
        hashers.update(&buffer[..count]);
        progress.add_bytes(count as u64);
    }
}

/// Reads a small file of a local upstream.
pub(crate) fn read_small(
    root: &Path,
    path: &str,
    limit: u64,
    known: Option<&Validators>,
) -> Result<Small> {
    let (file, shown) = open(root, path)?;
    let failed = |error| Error::io(&shown, "cannot read the file", 0, error);
    let state = file.metadata().map_err(failed)?;
    // A file that is replaced within the clock's step has another inode; one that is rewritten, a ctime.
    let etag = format!(
        "\"{:x}-{:x}-{}.{:09}-{}.{:09}\"",
        state.ino(),
        state.len(),
        state.mtime(),
        state.mtime_nsec(),
        state.ctime(),
        state.ctime_nsec()
    );
    if known.is_some_and(|known| known.etag.as_deref() == Some(etag.as_str())) {
        return Ok(Small::Unchanged);
    }
    let url = ShownUrl::of_file(&shown);
    if state.len() > limit {
        return Err(Error::TooLarge { url, limit });
    }
    let mut bytes = Vec::new();
    (&file)
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { url, limit });
    }
    Ok(Small::Bytes(SmallFile {
        bytes,
        validators: Validators {
            etag: Some(etag),
            last_modified: None,
        },
        url,
    }))
}
