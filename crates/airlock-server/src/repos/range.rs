//! Which bytes of a file a `Range` header asks for (RFC 9110, section 14).

/// Ranges of one request that are served; with more the header is ignored and the whole file is sent. zchunk clients
/// ask for up to 256 at once.
pub const MOST_RANGES: usize = 256;

/// A run of bytes of a file: never empty, never past its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// Bytes in all, at least 1.
    pub length: u64,
}

impl ByteRange {
    /// The byte after the last one.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start + self.length
    }
}

/// What a `Range` header comes to for a file of a known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ranges {
    /// No range, or one that has to be ignored: the whole file.
    Whole,
    /// None of the ranges lies in the file: 416.
    Unsatisfiable,
    /// These runs, none touching another one.
    Parts(Vec<ByteRange>),
}

/// Reads the header's value against a file of `size` bytes.
///
/// Other units than `bytes`, broken syntax and more than [`MOST_RANGES`] ranges are ignored, as the RFC allows; ends
/// past the file are clamped; ranges that overlap or touch are joined (then all are sorted), so the answer is never
/// larger than the file.
#[must_use]
pub fn parse(header: &str, size: u64) -> Ranges {
    let Some((unit, set)) = header.split_once('=') else {
        return Ranges::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ranges::Whole;
    }
    let mut parts = Vec::new();
    let mut seen = 0_usize;
    let mut whole_by_suffix = false;
    for piece in set.split(',') {
        let piece = piece.trim_matches([' ', '\t']);
        if piece.is_empty() {
            // Empty list elements are allowed (RFC 9110, section 5.6.1).
            continue;
        }
        seen += 1;
        if seen > MOST_RANGES {
            return Ranges::Whole;
        }
        match one(piece, size) {
            Spec::Broken => return Ranges::Whole,
            Spec::Outside => {}
            Spec::EmptyFile => whole_by_suffix = true,
            Spec::Run(run) => parts.push(run),
        }
    }
    if seen == 0 || (parts.is_empty() && whole_by_suffix) {
        return Ranges::Whole;
    }
    if parts.is_empty() {
        return Ranges::Unsatisfiable;
    }
    Ranges::Parts(join(parts))
}

enum Spec {
    Broken,
    Outside,
    /// A suffix of an empty file is satisfiable, but cannot be written as a `Content-Range`.
    EmptyFile,
    Run(ByteRange),
}

fn one(piece: &str, size: u64) -> Spec {
    let Some((first, last)) = piece.split_once('-') else {
        return Spec::Broken;
    };
    if first.is_empty() {
        let Some(length) = number(last) else {
            return Spec::Broken;
        };
        if length == 0 {
            return Spec::Outside;
        }
        if size == 0 {
            return Spec::EmptyFile;
        }
        let length = length.min(size);
        return Spec::Run(ByteRange {
            start: size - length,
            length,
        });
    }
    let Some(start) = number(first) else {
        return Spec::Broken;
    };
    let end = if last.is_empty() {
        u64::MAX
    } else {
        match number(last) {
            Some(end) if end >= start => end,
            _ => return Spec::Broken,
        }
    };
    if start >= size {
        return Spec::Outside;
    }
    let last = end.min(size - 1);
    Spec::Run(ByteRange {
        start,
        length: last - start + 1,
    })
}

/// Digits only; a number past 64 bits is as good as the largest one.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// Joins ranges that overlap or touch. The asked order stays while nothing has to be joined.
fn join(parts: Vec<ByteRange>) -> Vec<ByteRange> {
    let mut sorted = parts.clone();
    sorted.sort_by_key(|run| run.start);
    let mut joined: Vec<ByteRange> = Vec::with_capacity(sorted.len());
    for run in sorted {
        match joined.last_mut() {
            Some(last) if run.start <= last.end() => {
                last.length = last.end().max(run.end()) - last.start;
            }
            _ => joined.push(run),
        }
    }
    if joined.len() == parts.len() {
        parts
    } else {
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(header: &str, size: u64) -> Vec<(u64, u64)> {
        match parse(header, size) {
            Ranges::Parts(parts) => parts.iter().map(|r| (r.start, r.length)).collect(),
            other => panic!("{header}: {other:?}"),
        }
    }

    #[test]
    fn ends_are_clamped() {
        assert_eq!(runs("bytes=0-18446744073709551615", 10), [(0, 10)]);
        assert_eq!(runs("bytes=3-99999999999999999999999999", 10), [(3, 7)]);
        assert_eq!(runs("bytes=4-", 10), [(4, 6)]);
        assert_eq!(runs("bytes=-3", 10), [(7, 3)]);
        assert_eq!(runs("bytes=-30", 10), [(0, 10)]);
        assert_eq!(runs("BYTES=9-9", 10), [(9, 1)]);
    }

    #[test]
    fn broken_headers_are_ignored() {
        for header in [
            "bytes=5-2",
            "bytes=",
            "bytes",
            "lines=1-2",
            "bytes=a-b",
            "bytes=1",
            "bytes=-",
            "bytes=+1-2",
            "bytes=1-2,x",
            "bytes= , ,",
            "bytes=0x1-2",
            "bytes=1-2-3",
        ] {
            assert_eq!(parse(header, 10), Ranges::Whole, "{header}");
        }
        let many = format!("bytes={}", vec!["0-0"; MOST_RANGES + 1].join(","));
        assert_eq!(parse(&many, 10), Ranges::Whole);
    }

    #[test]
    fn nothing_inside_is_416() {
        for header in ["bytes=-0", "bytes=10-", "bytes=10-20,-0", "bytes=99-100"] {
            assert_eq!(parse(header, 10), Ranges::Unsatisfiable, "{header}");
        }
        assert_eq!(parse("bytes=0-0", 0), Ranges::Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Ranges::Whole);
    }

    #[test]
    fn overlaps_are_joined_and_other_orders_stay() {
        assert_eq!(runs("bytes=0-4,3-6,7-7", 10), [(0, 8)]);
        assert_eq!(runs("bytes=8-9,0-1", 10), [(8, 2), (0, 2)]);
        let many = format!("bytes={}", vec!["0-"; MOST_RANGES].join(","));
        assert_eq!(runs(&many, 10), [(0, 10)]);
    }

    /// What a header asks for, byte by byte and without any cleverness.
    fn model(specs: &[(Option<u64>, Option<u64>)], size: u64) -> Vec<bool> {
        let mut wanted = vec![false; usize::try_from(size).unwrap()];
        for &(first, last) in specs {
            for (index, byte) in wanted.iter_mut().enumerate() {
                let index = index as u64;
                *byte |= match (first, last) {
                    (Some(first), Some(last)) => index >= first && index <= last,
                    (Some(first), None) => index >= first,
                    (None, Some(suffix)) => index + suffix >= size,
                    (None, None) => false,
                };
            }
        }
        wanted
    }

    proptest::proptest! {
        #[test]
        fn the_bytes_sent_are_the_bytes_asked_for(
            size in 1_u64..200,
            specs in proptest::collection::vec((0_u64..250, 0_u64..60, 0_u8..3), 1..40),
        ) {
            let specs: Vec<(Option<u64>, Option<u64>)> = specs
                .into_iter()
                .map(|(first, length, form)| match form {
                    0 => (Some(first), Some(first + length)),
                    1 => (Some(first), None),
                    _ => (None, Some(length)),
                })
                .collect();
            let text: Vec<String> = specs
                .iter()
                .map(|(first, last)| {
                    let text = |number: &Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
                    format!("{}-{}", text(first), text(last))
                })
                .collect();
            let wanted = model(&specs, size);
            match parse(&format!("bytes={}", text.join(", ")), size) {
                Ranges::Whole => proptest::prop_assert!(false, "ignored"),
                Ranges::Unsatisfiable => proptest::prop_assert!(wanted.iter().all(|byte| !byte)),
                Ranges::Parts(parts) => {
                    let mut sent = vec![false; wanted.len()];
                    for run in &parts {
                        for index in run.start..run.end() {
                            let byte = &mut sent[usize::try_from(index).unwrap()];
                            proptest::prop_assert!(!*byte, "byte {} is sent twice", index);
                            *byte = true;
                        }
                    }
                    proptest::prop_assert_eq!(sent, wanted);
                    proptest::prop_assert!(parts.len() <= specs.len());
                }
            }
        }

        #[test]
        fn no_header_breaks_it(header in "(bytes)?=?[-0-9, a-z]{0,60}", size in 0_u64..50) {
            if let Ranges::Parts(parts) = parse(&header, size) {
                proptest::prop_assert!(parts.iter().map(|run| run.length).sum::<u64>() <= size);
                proptest::prop_assert!(parts.iter().all(|run| run.length > 0 && run.end() <= size));
            }
        }
    }
}
