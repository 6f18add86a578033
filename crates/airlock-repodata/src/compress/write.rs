//! Writing compressed bytes.

use std::io::{self, Write};

use super::{Format, zchunk};
use crate::error::{Error, Result};

/// Compresses what is written to it. The same bytes with the same level always give the same
/// output: nothing depends on clock, machine or file name.
pub struct Writer<W: Write> {
    encoder: Encoder<W>,
}

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

enum Encoder<W: Write> {
    Plain(W),
    Gz(flate2::write::GzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Bz2(bzip2::write::BzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
    Zchunk(zchunk::Encoder<W>),
}

impl<W: Write> Writer<W> {
    /// Starts to write in a format. Levels are those of the format's own program; without one:
    /// gzip 6, xz 6, bzip2 9, zstd and zchunk 9.
    ///
    /// # Errors
    /// When a level does not exist.
    pub fn new(format: Format, level: Option<u32>, out: W) -> Result<Self> {
        let encoder = match format {
            Format::Plain => Encoder::Plain(out),
            Format::Gz => Encoder::Gz(
                flate2::GzBuilder::new()
                    .mtime(0)
                    .write(out, flate2::Compression::new(level.unwrap_or(6).min(9))),
            ),
            Format::Xz => Encoder::Xz(liblzma::write::XzEncoder::new(
                out,
                level.unwrap_or(6).min(9),
            )),
            Format::Bz2 => Encoder::Bz2(bzip2::write::BzEncoder::new(
                out,
                bzip2::Compression::new(level.unwrap_or(9).clamp(1, 9)),
            )),
            Format::Zstd => {
                Encoder::Zstd(zstd::stream::write::Encoder::new(out, zstd_level(level))?)
            }
            Format::Zchunk => Encoder::Zchunk(zchunk::Encoder::new(out, zstd_level(level))?),
        };
        Ok(Self { encoder })
    }

    /// Ends a chunk here in zchunk files, so that chunks hold whole packages and stay the same from
    /// one state of a repository to the next. Nothing in other formats.
    ///
    /// # Errors
    /// When writing fails.
    pub fn end_chunk(&mut self) -> Result<()> {
        match &mut self.encoder {
            Encoder::Zchunk(encoder) => encoder.end_chunk().map_err(Error::from),
            _ => Ok(()),
        }
    }

    /// Writes what is left and gives the output back.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<W> {
        Ok(match self.encoder {
            Encoder::Plain(mut out) => {
                out.flush()?;
                out
            }
            Encoder::Gz(encoder) => encoder.finish()?,
            Encoder::Xz(encoder) => encoder.finish()?,
            Encoder::Bz2(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
            Encoder::Zchunk(encoder) => encoder.finish()?,
        })
    }
}

fn zstd_level(level: Option<u32>) -> i32 {
    level.map_or(9, |level| level.clamp(1, 22) as i32)
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            Encoder::Plain(out) => out.write(bytes),
            Encoder::Gz(encoder) => encoder.write(bytes),
            Encoder::Xz(encoder) => encoder.write(bytes),
            Encoder::Bz2(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Zchunk(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Plain(out) => out.flush(),
            Encoder::Gz(encoder) => encoder.flush(),
            Encoder::Xz(encoder) => encoder.flush(),
            Encoder::Bz2(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Zchunk(_) => Ok(()),
        }
    }
}
