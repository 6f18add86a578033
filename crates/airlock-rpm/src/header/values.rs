//! Borrowed iterators over the values of a tag.

use std::iter::FusedIterator;

/// The strings of a tag, without their ending NUL.
#[derive(Debug, Clone, Default)]
pub struct Strings<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Strings<'a> {
    pub(super) fn new(rest: &'a [u8], count: u32) -> Self {
        Self { rest, left: count }
    }

    /// The bytes from the next string on; with the number of strings left it is the whole state.
    pub(crate) fn remaining_bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // The header check made sure that the NUL is there.
        let end = memchr::memchr(0, self.rest).unwrap_or(self.rest.len());
        let (string, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(string)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Strings<'_> {}
impl FusedIterator for Strings<'_> {}

/// The numbers of a tag, widened to 64 bits.
#[derive(Debug, Clone)]
pub struct Numbers<'a> {
    data: &'a [u8],
    width: usize,
}

impl Default for Numbers<'_> {
    fn default() -> Self {
        Self {
            data: &[],
            width: 1,
        }
    }
}

impl<'a> Numbers<'a> {
    pub(super) fn new(data: &'a [u8], width: usize) -> Self {
        Self { data, width }
    }

    /// Bytes of one number in the file: 1, 2, 4 or 8.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number at a position, counted from the ones not yet taken.
    #[inline]
    pub fn get(&self, position: usize) -> Option<u64> {
        let start = position.checked_mul(self.width)?;
        let bytes = self.data.get(start..start.checked_add(self.width)?)?;
        Some(match *bytes {
            [a, b, c, d] => u64::from(u32::from_be_bytes([a, b, c, d])),
            [a, b] => u64::from(u16::from_be_bytes([a, b])),
            _ => bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        })
    }
}

impl Iterator for Numbers<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let number = self.get(0)?;
        self.data = self.data.get(self.width..).unwrap_or_default();
        Some(number)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.data.len() / self.width;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Numbers<'_> {}
impl FusedIterator for Numbers<'_> {}
