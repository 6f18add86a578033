//! The bytes of a database's file, read here and there, and whether they stayed as they were.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::{Error, Result};

/// Bytes read at once: pages of one header mostly lie side by side.
const WINDOW: usize = 32 * 1024;
/// A change this long ago has a time of its own: the coarsest clocks of file systems tick every ten milliseconds.
const TICK: Duration = Duration::from_millis(20);

/// A file that is read, or bytes in memory.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    bytes: Bytes,
    length: u64,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Memory(Vec<u8>),
}

/// What tells that a file was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// How long to wait until a further change would certainly carry another time.
    pub(super) fn settles_in(&self) -> Option<Duration> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let changed = self.modified.max(self.changed);
        let then = Duration::new(
            u64::try_from(changed.0).ok()?,
            u32::try_from(changed.1).ok()?,
        );
        let age = now.checked_sub(then)?;
        TICK.checked_sub(age).filter(|rest| !rest.is_zero())
    }
}

impl Source {
    /// Opens a file for reading. Anything but a regular file is refused, without waiting for it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let error = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        // Asked before the file is opened: to open a FIFO would wait for its writer.
        let kind = std::fs::metadata(path).map_err(error)?.file_type();
        if kind.is_fifo() || kind.is_socket() || !kind.is_file() {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                why: "it is not a regular file",
            });
        }
        let file = File::open(path).map_err(error)?;
        let metadata = file.metadata().map_err(error)?;
        if !metadata.is_file() {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                why: "it is not a regular file",
            });
        }
        Ok(Self {
            path: path.to_owned(),
            length: metadata.len(),
            bytes: Bytes::File(file),
        })
    }

    pub(super) fn memory(bytes: Vec<u8>) -> Self {
        Self {
            path: PathBuf::from("(memory)"),
            length: bytes.len() as u64,
            bytes: Bytes::Memory(bytes),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file when it was opened, or looked at last.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Looks at the file again.
    pub(super) fn refresh(&mut self) -> Result<Option<Stamp>> {
        let stamp = self.stamp()?;
        if let Some(stamp) = stamp {
            self.length = stamp.length;
        }
        Ok(stamp)
    }

    /// What the file looks like now; `None` for bytes in memory, which do not change.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>> {
        match &self.bytes {
            Bytes::Memory(_) => Ok(None),
            Bytes::File(file) => match file.metadata() {
                Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
                Err(source) => Err(self.io(source)),
            },
        }
    }

    /// Reads as many bytes as there are, at most as the buffer takes.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        match &self.bytes {
            Bytes::Memory(bytes) => {
                let start = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let count = buffer.len().min(bytes.len() - start);
                buffer[..count].copy_from_slice(&bytes[start..start + count]);
                Ok(count)
            }
            Bytes::File(file) => {
                let mut filled = 0;
                while filled < buffer.len() {
                    match file.read_at(&mut buffer[filled..], offset + filled as u64) {
                        Ok(0) => break,
                        Ok(count) => filled += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(source) => return Err(self.io(source)),
                    }
                }
                Ok(filled)
            }
        }
    }

    fn io(&self, source: io::Error) -> Error {
        Error::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// The part of a file that was read last.
#[derive(Debug, Default)]
pub(super) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Bytes of the file, fewer than asked for where it ends.
    pub(super) fn read(&mut self, source: &Source, offset: u64, length: usize) -> Result<&[u8]> {
        let inside = offset
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| at + length <= self.bytes.len());
        if let Some(at) = inside {
            return Ok(&self.bytes[at..at + length]);
        }
        let wanted = length.max(WINDOW);
        // Not filled with zeros anew for each reading.
        self.bytes.resize(wanted, 0);
        self.start = offset;
        let count = source.read_at(offset, &mut self.bytes);
        if count.is_err() {
            self.bytes.clear();
        }
        self.bytes.truncate(count?);
        Ok(&self.bytes[..length.min(self.bytes.len())])
    }
}

/// What one reader keeps between two readings.
#[derive(Debug, Default)]
pub(super) struct Windows {
    pub(super) main: Window,
    pub(super) side: Window,
}

/// Little-endian or big-endian numbers at a position; `None` past the end.
pub(super) fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(match big_endian {
        true => u32::from_be_bytes(four),
        false => u32::from_le_bytes(four),
    })
}

/// As [`u32_at`], for 16 bits.
pub(super) fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(match big_endian {
        true => u16::from_be_bytes(two),
        false => u16::from_le_bytes(two),
    })
}
