//! The part of a file that is in memory, as UTF-8.

use std::io::BufRead;

use crate::encoding::{SNIFF, Transcoder, detect};
use crate::error::{Error, Flaw, Result};

/// Bytes that are read at once.
const PIECE: usize = 512 << 10;

/// Bytes of a file that were read and are not yet let go. Offsets stay right until
/// [`Window::fill`], which moves what it keeps; callers pass it the offset that they stand at and
/// it stays the same, because only bytes before the consumed position are dropped, and those only
/// between elements.
#[derive(Debug)]
pub(super) struct Window<R> {
    file: &'static str,
    reader: R,
    transcoder: Transcoder,
    buffer: Vec<u8>,
    /// Offset of the next byte to look at.
    at: usize,
    /// Offset up to which line ends were counted.
    counted: usize,
    /// Line ends before that, with those in bytes that were dropped.
    lines: u64,
    ended: bool,
}

impl<R: BufRead> Window<R> {
    pub(super) fn new(file: &'static str, mut reader: R) -> Result<Self> {
        let mut start = Vec::new();
        while start.len() < SNIFF {
            let piece = read(&mut reader)?;
            if piece.is_empty() {
                break;
            }
            let taken = piece.len().min(SNIFF);
            start.extend_from_slice(&piece[..taken]);
            reader.consume(taken);
        }
        let flaw = |why| Error::bad(file, 1, why);
        let (encoding, mark) = detect(&start).map_err(flaw)?;
        let mut window = Self {
            file,
            reader,
            transcoder: Transcoder::new(encoding),
            buffer: Vec::with_capacity(2 * PIECE),
            at: 0,
            counted: 0,
            lines: 0,
            ended: false,
        };
        window
            .transcoder
            .push(&start[mark..], &mut window.buffer)
            .map_err(flaw)?;
        Ok(window)
    }

    /// Reads more, without moving anything. False at the end of the file. The longer the element
    /// that starts at `keep` already is, the more is read, so that scanning it again after each
    /// reading stays linear.
    pub(super) fn fill(&mut self, keep: usize) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let wanted = self.buffer.len() + PIECE.max(self.buffer.len().saturating_sub(keep));
        let before = self.buffer.len();
        while self.buffer.len() < wanted {
            let piece = read(&mut self.reader)?;
            if piece.is_empty() {
                self.ended = true;
                let finished = self.transcoder.finish();
                finished.map_err(|why| self.flaw(why))?;
                break;
            }
            // Not all of it: a reader over bytes in memory gives everything at once.
            let taken = piece.len().min(wanted - self.buffer.len());
            let pushed = self.transcoder.push(&piece[..taken], &mut self.buffer);
            self.reader.consume(taken);
            pushed.map_err(|why| self.flaw(why))?;
        }
        Ok(self.buffer.len() > before)
    }

    fn flaw(&self, why: Flaw) -> Error {
        Error::bad(self.file, self.line_of(self.buffer.len()), why)
    }

    /// Drops what was consumed. Offsets change: only called between elements.
    fn compact(&mut self) {
        self.count_lines(self.at);
        self.counted = 0;
        self.buffer.copy_within(self.at.., 0);
        self.buffer.truncate(self.buffer.len() - self.at);
        self.at = 0;
    }

    /// Goes to the next byte that is no white space, dropping what was consumed when there is much.
    pub(super) fn skip_space(&mut self) -> Result<()> {
        if self.at >= PIECE {
            self.compact();
        }
        loop {
            let rest = &self.buffer[self.at..];
            match rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(length) => {
                    self.at += length;
                    return Ok(());
                }
                None => {
                    self.at = self.buffer.len();
                    self.compact();
                    if !self.fill(self.at)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next bytes, fewer at the end of the file.
    pub(super) fn peek(&mut self, length: usize) -> Result<&[u8]> {
        while self.buffer.len() - self.at < length {
            if !self.fill(self.at)? {
                break;
            }
        }
        let end = self.buffer.len().min(self.at + length);
        Ok(&self.buffer[self.at..end])
    }
}

impl<R> Window<R> {
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn end(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn len_from(&self, start: usize) -> usize {
        self.buffer.len() - start
    }

    pub(super) fn consume_to(&mut self, offset: usize) {
        self.at = offset;
    }

    pub(super) fn bytes_from(&self, start: usize) -> &[u8] {
        self.buffer.get(start..).unwrap_or_default()
    }

    pub(super) fn bytes(&self, start: usize, end: usize) -> &[u8] {
        self.buffer.get(start..end).unwrap_or_default()
    }

    /// Counts line ends up to an offset that is not before the last one counted, and gives its
    /// line, from 1.
    pub(super) fn count_lines(&mut self, offset: usize) -> u64 {
        let between = self.buffer.get(self.counted..offset).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', between).count() as u64;
        self.counted = self.counted.max(offset);
        1 + self.lines
    }

    /// Line of an offset behind the last one counted, from 1.
    pub(super) fn line_of(&self, offset: usize) -> u64 {
        let offset = offset.min(self.buffer.len());
        let between = self.buffer.get(self.counted..offset).unwrap_or_default();
        1 + self.lines + memchr::memchr_iter(b'\n', between).count() as u64
    }
}

fn read<R: BufRead>(reader: &mut R) -> Result<&[u8]> {
    // A second call gives the same bytes: nothing is consumed in between.
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reader.fill_buf()?)
}
