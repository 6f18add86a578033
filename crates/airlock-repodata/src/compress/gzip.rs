//! gzip with several members.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Members one behind the other. Bytes behind the last member that are none are left alone, as
/// zlib's own reader does: some tools pad files with zeros.
pub(super) struct Members<R: BufRead> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(member) = self.member.as_mut() else {
                return Ok(0);
            };
            let length = member.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            let Some(ended) = self.member.take() else {
                return Ok(0);
            };
            let mut reader = ended.into_inner();
            let next = reader.fill_buf()?;
            if next.starts_with(&[0x1f, 0x8b]) || next == [0x1f] {
                self.member = Some(GzDecoder::new(reader));
            }
        }
    }
}
