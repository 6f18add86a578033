//! Opening compressed bytes under limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Format, gzip, zchunk};
use crate::error::{Error, Result, SizeRule};
use crate::limits::Limits;

/// Stored and opened bytes that are held.
const BUFFER: usize = 512 << 10;
/// Memory that an xz stream may ask for: its highest preset needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
/// Window that a zstd frame may ask for, as a power of two: 128 MiB, the library's own default.
const ZSTD_WINDOW: u32 = 27;

/// An opened file: give it to whatever reads plain bytes.
///
/// Limits are checked while reading; their errors come out as [`io::Error`] and turn back into
/// [`Error`] by `Error::from`.
pub struct Opened {
    format: Format,
    inner: Box<dyn Read + Send>,
    stored: Arc<AtomicU64>,
    limits: Limits,
    opened: u64,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("format", &self.format)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

/// Opens bytes by their magic.
///
/// # Errors
/// When the first bytes cannot be read, or a zchunk header is damaged.
pub fn open(reader: impl Read + Send + 'static, limits: &Limits) -> Result<Opened> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    // A pipe may give single bytes at first; the magic has to be there as a whole.
    let mut start = Vec::with_capacity(8);
    (&mut reader).take(6).read_to_end(&mut start)?;
    let format = Format::of(&start);
    let stored = Arc::new(AtomicU64::new(0));
    let reader = Counted {
        reader: io::Cursor::new(start).chain(reader),
        count: Arc::clone(&stored),
    };
    let damaged = |source| Error::BadCompression {
        format,
        stored: stored.load(Ordering::Relaxed),
        source,
    };
    let inner: Box<dyn Read + Send> = match format {
        Format::Plain => Box::new(reader),
        Format::Gz => Box::new(gzip::Members::new(reader)),
        Format::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                XZ_MEMORY,
                liblzma::stream::CONCATENATED,
            )
            .map_err(|error| damaged(io::Error::other(error)))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Format::Bz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(damaged)?;
            Box::new(decoder)
        }
        Format::Zchunk => Box::new(zchunk::Chunks::new(reader).map_err(damaged)?),
    };
    Ok(Opened {
        format,
        inner,
        stored,
        limits: *limits,
        opened: 0,
        buffer: vec![0; BUFFER],
        start: 0,
        end: 0,
        ended: false,
    })
}

/// Opens a file by its magic.
///
/// # Errors
/// When the file cannot be read, and as for [`open`].
pub fn open_path(path: &Path, limits: &Limits) -> Result<Opened> {
    open(File::open(path)?, limits)
}

impl Opened {
    /// How the bytes are compressed.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Opened bytes read so far.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Stored bytes used so far.
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Everything, at most [`Limits::max_document`] bytes.
    ///
    /// # Errors
    /// Those of the limits and of damaged bytes.
    pub fn into_document(mut self) -> Result<Vec<u8>> {
        self.limits.max_open_bytes = self
            .limits
            .max_open_bytes
            .min(self.limits.max_document as u64);
        let mut document = Vec::new();
        self.read_to_end(&mut document)?;
        Ok(document)
    }

    fn broken(&self, rule: SizeRule, limit: u64) -> Error {
        Error::OpenSize {
            rule,
            stored: self.stored(),
            opened: self.opened,
            limit,
        }
    }

    fn check(&self) -> Result<()> {
        let most = self.limits.most_open();
        if self.opened > most {
            return Err(self.broken(SizeRule::TooBig, most));
        }
        let by_ratio = self
            .limits
            .ratio_free_bytes
            .saturating_add(self.stored().saturating_mul(self.limits.ratio));
        if self.format != Format::Plain && self.opened > by_ratio {
            return Err(self.broken(SizeRule::Ratio, by_ratio));
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        let length = loop {
            match self.inner.read(&mut self.buffer) {
                Ok(length) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.format == Format::Plain => return Err(error.into()),
                Err(source) => {
                    // What failed below the decoder is no damage.
                    return Err(match source.raw_os_error() {
                        Some(_) => Error::Io(source),
                        None => Error::BadCompression {
                            format: self.format,
                            stored: self.stored(),
                            source,
                        },
                    });
                }
            }
        };
        (self.start, self.end) = (0, length);
        self.opened += length as u64;
        if length == 0 {
            self.ended = true;
            if let Some(declared) = self
                .limits
                .open_size
                .filter(|declared| *declared > self.opened)
            {
                return Err(self.broken(SizeRule::TooSmall, declared));
            }
            return Ok(());
        }
        let checked = self.check();
        if checked.is_err() {
            (self.end, self.ended) = (0, true);
        }
        checked
    }
}

impl BufRead for Opened {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.refill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
    }
}

impl Read for Opened {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let length = there.len().min(out.len());
        out[..length].copy_from_slice(&there[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// Counts the bytes that a decoder really took.
struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(out)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        self.reader.consume(length);
    }
}
