//! Rows of sqlite tables: a header of column types, then the columns.

/// One column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column<'b> {
    Null,
    Number(i64),
    /// A floating-point number; no table of rpm has one.
    Real,
    Blob(&'b [u8]),
    Text(&'b [u8]),
}

/// A number of one to nine bytes, and how many they were.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (position, byte) in bytes.iter().take(9).enumerate() {
        if position == 8 {
            return Some((number << 8 | u64::from(*byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, position + 1));
        }
    }
    None
}

/// Type and range of a column.
fn locate(record: &[u8], column: usize) -> Option<(u64, usize, usize)> {
    let (header, mut at) = varint(record)?;
    let header = usize::try_from(header).ok()?;
    let types = record.get(..header)?;
    let mut start = header;
    for position in 0.. {
        let (kind, used) = varint(types.get(at..)?)?;
        at += used;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            long => usize::try_from((long - 12) / 2).ok()?,
        };
        let end = start.checked_add(length)?;
        if end > record.len() {
            return None;
        }
        if position == column {
            return Some((kind, start, length));
        }
        start = end;
    }
    None
}

/// A column of a row; `None` when there are fewer, or the row is broken.
pub(super) fn column(record: &[u8], column: usize) -> Option<Column<'_>> {
    let (kind, start, length) = locate(record, column)?;
    let bytes = record.get(start..start + length)?;
    Some(match kind {
        0 => Column::Null,
        8 => Column::Number(0),
        9 => Column::Number(1),
        1..=6 => {
            let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
            let start = if negative { -1_i64 } else { 0 };
            Column::Number(
                bytes
                    .iter()
                    .fold(start, |number, byte| number << 8 | i64::from(*byte)),
            )
        }
        7 => Column::Real,
        blob if blob % 2 == 0 => Column::Blob(bytes),
        _ => Column::Text(bytes),
    })
}

/// Start and length of a column that is a blob.
pub(super) fn blob_range(record: &[u8], column: usize) -> Option<(usize, usize)> {
    let (kind, start, length) = locate(record, column)?;
    (kind >= 12 && kind % 2 == 0).then_some((start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_to_nine_bytes() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x80]), None);
        assert_eq!(varint(&[]), None);
    }

    #[test]
    fn columns_are_found_by_their_types() {
        // Null, -2 in one byte, the text "ab", one byte of blob.
        let record = [5, 0, 1, 17, 14, 0xfe, b'a', b'b', 9];
        assert_eq!(column(&record, 0), Some(Column::Null));
        assert_eq!(column(&record, 1), Some(Column::Number(-2)));
        assert_eq!(column(&record, 2), Some(Column::Text(b"ab")));
        assert_eq!(column(&record, 3), Some(Column::Blob(&[9])));
        assert_eq!(column(&record, 4), None);
        assert_eq!(blob_range(&record, 3), Some((8, 1)));
        assert_eq!(blob_range(&record[..8], 3), None);
    }
}
