//! The file that a download is written to. Named by the expected checksum it outlives a restart, and
//! the next try goes on where this one broke off.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use crate::cancel::Cancel;
use crate::digest::{Algorithm, Checksum, Hashers};
use crate::error::{Error, Result};

/// A part is a file of our own making, never a link to another one.
const NO_LINKS: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// What a resumed request must still be about: the answer's validator, good for one origin only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validator {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// A strong ETag or a date, as sent in `If-Range`.
    pub(crate) value: String,
}

/// A growing file with its checksums so far.
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    hashers: Hashers,
    algorithm: Option<Algorithm>,
    validator: Option<Validator>,
    /// Stays after a failure, to go on with later.
    kept: bool,
    /// Bytes that an earlier process left.
    found: u64,
}

impl Part {
    /// Opens the part of a file in `folder`, with what an earlier try left. Without a checksum, or when
    /// another download of the same file is under way, the part is a fresh one that will not be kept.
    pub(crate) fn open(
        folder: &Path,
        checksum: Option<&Checksum>,
        size: Option<u64>,
        cancel: &Cancel,
    ) -> Result<Self> {
        let algorithm = checksum.map(Checksum::algorithm);
        if let Some(checksum) = checksum {
            let path = folder.join(format!("{}-{}.part", checksum.algorithm(), checksum.hex()));
            if let Some(file) = lock(&path)? {
                let mut part = Self {
                    file,
                    path,
                    hashers: Hashers::new(algorithm),
                    algorithm,
                    validator: None,
                    kept: true,
                    found: 0,
                };
                part.take_up(size, cancel)?;
                return Ok(part);
            }
        }
        let path = fresh_path(folder);
        let file = create(&path)?;
        Ok(Self {
            file,
            path,
            hashers: Hashers::new(algorithm),
            algorithm,
            validator: None,
            kept: false,
            found: 0,
        })
    }

    /// Reads what an earlier try left.
    fn take_up(&mut self, size: Option<u64>, cancel: &Cancel) -> Result<()> {
        let path = self.path.clone();
        let failed = |source| {
            Error::io(
                &path,
                "cannot read the part of an earlier download",
                0,
                source,
            )
        };
        let length = self.file.metadata().map_err(failed)?.len();
        if size.is_some_and(|size| length > size) {
            return self.reset();
        }
        let mut buffer = vec![0_u8; 256 * 1024];
        loop {
            cancel.check()?;
            match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self.hashers.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(failed(source)),
            }
        }
        self.found = self.hashers.len();
        if self.found > 0 {
            self.validator = read_validator(&self.tag_path());
        }
        Ok(())
    }

    /// Bytes that are here.
    pub(crate) fn len(&self) -> u64 {
        self.hashers.len()
    }

    /// Bytes of these that an earlier process left.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    /// The validator to resume with at `origin`.
    pub(crate) fn validator(&self, origin: &str) -> Option<&str> {
        self.validator
            .as_ref()
            .filter(|known| known.origin == origin)
            .map(|known| known.value.as_str())
    }

    /// Keeps the validator of the answer that is being written.
    pub(crate) fn set_validator(&mut self, validator: Option<Validator>) {
        if self.validator == validator {
            return;
        }
        if self.kept {
            let tag = self.tag_path();
            // Only a help for a later try: without it the checksum alone tells whether the parts fit.
            let done = match &validator {
                Some(known) => std::fs::write(&tag, format!("{}\n{}\n", known.origin, known.value)),
                None => std::fs::remove_file(&tag),
            };
            if let Err(error) = done
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::debug!(path = %tag.display(), %error, "validator of a part not kept");
            }
        }
        self.validator = validator;
    }

    /// Appends bytes. `missing` is what the whole file still needs, for the message when space runs out.
    pub(crate) fn append(&mut self, chunks: &[Bytes], missing: u64) -> Result<()> {
        for chunk in chunks {
            self.file
                .write_all_at(chunk, self.hashers.len())
                .map_err(|source| {
                    Error::io(&self.path, "cannot write the download", missing, source)
                })?;
            self.hashers.update(chunk);
        }
        Ok(())
    }

    /// Throws the bytes away. Whoever reads along may still be at them: they stay as they are in a file without a
    /// name, and the download goes on in another one.
    pub(crate) fn reset(&mut self) -> Result<()> {
        let failed = |source| Error::io(&self.path, "cannot empty the download file", 0, source);
        if self.hashers.len() == 0 {
            self.file
                .set_len(0)
                .and_then(|()| self.file.seek(SeekFrom::Start(0)).map(|_| ()))
                .map_err(failed)?;
        } else {
            let path = fresh_path(self.path.parent().unwrap_or_else(|| Path::new("")));
            let held = HeldFile(path.clone());
            let file = create(&path)?;
            if self.kept {
                rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
                    .map_err(|errno| failed(errno.into()))?;
            }
            std::fs::rename(&path, &self.path).map_err(failed)?;
            held.keep();
            self.file = file;
        }
        self.hashers = Hashers::new(self.algorithm);
        self.found = 0;
        self.set_validator(None);
        Ok(())
    }

    /// The file once more, for reading only. It does not hold the part's lock.
    pub(crate) fn view(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(NO_LINKS)
            .open(&self.path)
            .map_err(|source| Error::io(&self.path, "cannot open the download file", 0, source))
    }

    /// The checksums of what is here.
    pub(crate) fn sums(&self) -> crate::digest::Sums {
        self.hashers.clone().finish()
    }

    /// Gives the finished file a name of its own, so that nobody takes it for a part.
    pub(crate) fn finish(mut self, folder: &Path) -> Result<HeldFile> {
        // A write that broke off in the middle may have left bytes behind the last counted one.
        let length = self.hashers.len();
        self.file
            .set_len(length)
            .map_err(|source| Error::io(&self.path, "cannot finish the download", 0, source))?;
        if !self.kept {
            self.kept = true;
            return Ok(HeldFile(std::mem::take(&mut self.path)));
        }
        let path = fresh_path(folder);
        std::fs::rename(&self.path, &path)
            .map_err(|source| Error::io(&self.path, "cannot rename the download", 0, source))?;
        let held = HeldFile(path);
        let _ = std::fs::remove_file(self.tag_path());
        Ok(held)
    }

    fn tag_path(&self) -> PathBuf {
        self.path.with_extension("part-tag")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // An empty part is of no use to a later try.
        if !self.kept || (self.hashers.len() == 0 && !self.path.as_os_str().is_empty()) {
            self.remove_own();
        }
    }
}

impl Part {
    /// Removes the file if the name still is this one's: after `finish` it may be another download's.
    fn remove_own(&self) {
        let same = match (self.file.metadata(), std::fs::symlink_metadata(&self.path)) {
            (Ok(ours), Ok(named)) => ours.ino() == named.ino() && ours.dev() == named.dev(),
            _ => false,
        };
        if same {
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(self.tag_path());
        }
    }
}

/// A finished file that is removed again unless somebody takes it.
#[derive(Debug)]
pub(crate) struct HeldFile(pub(crate) PathBuf);

impl HeldFile {
    pub(crate) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for HeldFile {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// A name nobody else uses.
pub(crate) fn fresh_path(folder: &Path) -> PathBuf {
    folder.join(format!("fetch-{:016x}.tmp", rand::random::<u64>()))
}

fn create(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|source| Error::io(path, "cannot create the download file", 0, source))
}

/// Opens a part for this process alone; `None` when another download has it.
fn lock(path: &Path) -> Result<Option<File>> {
    for _ in 0..8 {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(NO_LINKS)
            .open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => return Ok(None),
            Err(source) => {
                return Err(Error::io(
                    path,
                    "cannot create the download file",
                    0,
                    source,
                ));
            }
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        // The one that had it may have finished and renamed or removed the file in between.
        let ours = file.metadata().ok();
        let named = std::fs::symlink_metadata(path).ok();
        if let (Some(ours), Some(named)) = (ours, named)
            && ours.ino() == named.ino()
            && ours.dev() == named.dev()
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn read_validator(path: &Path) -> Option<Validator> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    let (origin, value) = (lines.next()?.to_owned(), lines.next()?.to_owned());
    (!value.is_empty()).then_some(Validator { origin, value })
}

/// Removes parts and finished but forgotten files in `folder` that were last written more than `age`
/// before `now`, and says how many. Files that a download holds now are left alone.
///
/// # Errors
/// The folder cannot be read; single files that cannot be removed are passed over.
pub fn remove_old_parts(folder: &Path, now: SystemTime, age: Duration) -> Result<usize> {
    let failed = |source| Error::io(folder, "cannot read the download folder", 0, source);
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.ends_with(".part")
            || name.ends_with(".part-tag")
            || (name.starts_with("fetch-") && name.ends_with(".tmp"));
        let old = entry
            .metadata()
            .and_then(|known| known.modified())
            .is_ok_and(|written| now.duration_since(written).is_ok_and(|since| since > age));
        if !ours || !old {
            continue;
        }
        if name.ends_with(".part")
            && let Ok(file) = File::open(&path)
            && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
        {
            continue;
        }
        removed += usize::from(std::fs::remove_file(&path).is_ok());
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_the_bytes_that_are_missing() {
        // Every write to this device fails with "no space".
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/full")
            .unwrap();
        let mut part = Part {
            file,
            path: PathBuf::from("/nonexistent/x.part"),
            hashers: Hashers::new(None),
            algorithm: None,
            validator: None,
            kept: true,
            found: 0,
        };
        let error = part
            .append(&[Bytes::from_static(b"abc")], 12_345)
            .unwrap_err();
        assert!(
            matches!(error, Error::NoSpace { needed: 12_345, .. }),
            "{error}"
        );
        assert_eq!(part.len(), 0, "what was not written does not count");
    }
}
