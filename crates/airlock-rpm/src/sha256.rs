//! SHA-256 of two files at once. With airlock-server's `memory` the only module with `unsafe`; here for all who read
//! many files.
//!
//! The processor's SHA instructions wait for each other within one file: half of the time nothing is worked on. Blocks
//! of a second file in between use that time, so that two files cost little more than one (AMD Zen: 3.2 GB/s instead
//! of 1.8). Where there are no such instructions, the files are hashed one after the other.

#![allow(
    unsafe_code,
    reason = "code for instructions that not every processor has can be called in no safe way; see the reason at the call"
)]

use sha2::block_api::compress256;

/// What is hashed in one step.
pub type Block = [u8; 64];

/// The state before the first block (FIPS 180-4, 5.3.3).
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A SHA-256 being taken, in whole blocks up to the last one.
#[derive(Debug, Clone)]
pub struct Sha256 {
    state: [u32; 8],
    length: u64,
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    /// Starts one.
    pub fn new() -> Self {
        Self {
            state: START,
            length: 0,
        }
    }

    /// Takes the next blocks.
    pub fn update(&mut self, blocks: &[Block]) {
        compress256(&mut self.state, blocks);
        self.length += size_of_val(blocks) as u64;
    }

    /// Lower-case hexadecimal. `tail` is what is left after the last whole block.
    pub fn finish(mut self, tail: &[u8]) -> String {
        let (blocks, tail) = tail.as_chunks();
        self.update(blocks);
        let bits = (self.length + tail.len() as u64) * 8;
        let mut last = [[0; 64]; 2];
        let flat = last.as_flattened_mut();
        flat[..tail.len()].copy_from_slice(tail);
        flat[tail.len()] = 0x80;
        // The mark and eight bytes of length follow the tail.
        let needed = if tail.len() + 9 > 64 { 2 } else { 1 };
        flat[needed * 64 - 8..needed * 64].copy_from_slice(&bits.to_be_bytes());
        compress256(&mut self.state, &last[..needed]);
        self.state.map(|word| format!("{word:08x}")).concat()
    }
}

/// Updates both, each with its own blocks; there are as many of one as of the other.
pub fn update_both(one: &mut Sha256, blocks: [&[Block]; 2], other: &mut Sha256) {
    debug_assert_eq!(
        blocks[0].len(),
        blocks[1].len(),
        "as many of one as of the other"
    );
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") {
        let mut states = [one.state, other.state];
        // SAFETY: the processor has the instructions, as was just asked.
        unsafe { x86::compress(&mut states, blocks) };
        [one.state, other.state] = states;
        one.length += size_of_val(blocks[0]) as u64;
        other.length += size_of_val(blocks[1]) as u64;
        return;
    }
    one.update(blocks[0]);
    other.update(blocks[1]);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi8, _mm_set_epi32,
        _mm_set_epi64x, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
        _mm_shuffle_epi8, _mm_shuffle_epi32,
    };

    use super::Block;

    /// Files that are worked on side by side.
    const FILES: usize = 2;

    /// FIPS 180-4, 4.2.2.
    #[rustfmt::skip]
    const ROUND: [u32; 64] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ];

    /// The state as the instructions take it: the words a, b, e, f and c, d, g, h.
    #[derive(Clone, Copy)]
    struct Halves {
        abef: __m128i,
        cdgh: __m128i,
    }

    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn halves(state: &[u32; 8]) -> Halves {
        let [a, b, c, d, e, f, g, h] = state.map(u32::cast_signed);
        Halves {
            abef: _mm_set_epi32(a, b, e, f),
            cdgh: _mm_set_epi32(c, d, g, h),
        }
    }

    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn whole(halves: Halves) -> [u32; 8] {
        let Halves { abef, cdgh } = halves;
        [
            _mm_extract_epi32::<3>(abef),
            _mm_extract_epi32::<2>(abef),
            _mm_extract_epi32::<3>(cdgh),
            _mm_extract_epi32::<2>(cdgh),
            _mm_extract_epi32::<1>(abef),
            _mm_extract_epi32::<0>(abef),
            _mm_extract_epi32::<1>(cdgh),
            _mm_extract_epi32::<0>(cdgh),
        ]
        .map(i32::cast_unsigned)
    }

    /// The sixteen words of a block, four to a register.
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn words(block: &Block) -> [__m128i; 4] {
        let big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
        let (eights, _) = block.as_chunks::<8>();
        std::array::from_fn(|at| {
            let low = i64::from_le_bytes(eights[2 * at]);
            let high = i64::from_le_bytes(eights[2 * at + 1]);
            _mm_shuffle_epi8(_mm_set_epi64x(high, low), big_endian)
        })
    }

    /// Four rounds of one file.
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn rounds(number: usize, halves: &mut Halves, words: __m128i) {
        let at = |round: usize| ROUND[4 * number + round].cast_signed();
        let sum = _mm_add_epi32(words, _mm_set_epi32(at(3), at(2), at(1), at(0)));
        halves.cdgh = _mm_sha256rnds2_epu32(halves.cdgh, halves.abef, sum);
        let upper = _mm_shuffle_epi32::<0x0e>(sum);
        halves.abef = _mm_sha256rnds2_epu32(halves.abef, halves.cdgh, upper);
    }

    /// The next four words of the schedule take the place of the oldest ones, at `at`.
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn schedule(words: &mut [__m128i; 4], at: usize) {
        let [first, second, third, fourth] = std::array::from_fn(|ahead| words[(at + ahead) % 4]);
        let sum = _mm_add_epi32(
            _mm_sha256msg1_epu32(first, second),
            _mm_alignr_epi8::<4>(fourth, third),
        );
        words[at] = _mm_sha256msg2_epu32(sum, fourth);
    }

    #[allow(
        clippy::needless_range_loop,
        reason = "the same place in two lists, and in the shape that compiles well"
    )]
    #[target_feature(enable = "sha,sse4.1")]
    pub(super) fn compress(states: &mut [[u32; 8]; FILES], blocks: [&[Block]; FILES]) {
        let mut all = [halves(&states[0]), halves(&states[1])];
        for (one, other) in blocks[0].iter().zip(blocks[1]) {
            let before = all;
            let mut schedules = [words(one), words(other)];
            for number in 0..4 {
                for file in 0..FILES {
                    rounds(number, &mut all[file], schedules[file][number]);
                }
            }
            // Two loops: of a single one over twelve the compiler makes code a sixth slower.
            for four in 1..4 {
                for at in 0..4 {
                    for file in 0..FILES {
                        schedule(&mut schedules[file], at);
                        rounds(4 * four + at, &mut all[file], schedules[file][at]);
                    }
                }
            }
            for (now, before) in all.iter_mut().zip(before) {
                now.abef = _mm_add_epi32(now.abef, before.abef);
                now.cdgh = _mm_add_epi32(now.cdgh, before.cdgh);
            }
        }
        *states = [whole(all[0]), whole(all[1])];
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn halves_make_the_whole_again() {
            if !is_x86_feature_detected!("sha") || !is_x86_feature_detected!("sse4.1") {
                return;
            }
            // SAFETY: the processor has the instructions.
            let again = unsafe { whole(halves(&super::super::START)) };
            assert_eq!(again, super::super::START);
        }

        #[test]
        fn the_round_constants_are_the_cube_roots_of_the_primes() {
            let primes = (2_u128..).filter(|n| (2..*n).all(|d| n % d != 0));
            for (constant, prime) in ROUND.iter().zip(primes) {
                // The first 32 bits of the fraction: the whole root times 2^32, by halving an interval.
                let (mut low, mut high) = (0_u128, 8 << 32);
                while high - low > 1 {
                    let middle = (low + high) / 2;
                    if middle * middle * middle <= prime << 96 {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                assert_eq!(u128::from(*constant), low & 0xffff_ffff, "{prime}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    fn bytes(seed: usize, length: usize) -> Vec<u8> {
        (0..length)
            .map(|at| u8::try_from((at * 31 + seed * 7 + at / 251) % 256).unwrap())
            .collect()
    }

    #[test]
    fn all_lengths_of_tails_are_padded_as_they_should() {
        for length in 0..260 {
            let bytes = bytes(length, length);
            let (blocks, tail) = bytes.as_chunks();
            let mut hasher = Sha256::new();
            hasher.update(blocks);
            assert_eq!(
                hasher.finish(tail),
                hex::encode(sha2::Sha256::digest(&bytes)),
                "{length}"
            );
            assert_eq!(
                Sha256::new().finish(&bytes),
                hex::encode(sha2::Sha256::digest(&bytes)),
                "{length}"
            );
        }
    }

    #[test]
    fn two_files_at_once_have_the_checksums_of_each() {
        for blocks in [0, 1, 2, 7, 2_048] {
            let (one, other) = (bytes(1, blocks * 64), bytes(2, blocks * 64));
            let (mut left, mut right) = (Sha256::new(), Sha256::new());
            // In two steps, so that the state goes out and in again.
            let (first, second) = (blocks / 3, blocks - blocks / 3);
            for range in [0..first, first..first + second] {
                let parts = [
                    &one.as_chunks().0[range.clone()],
                    &other.as_chunks().0[range],
                ];
                update_both(&mut left, parts, &mut right);
            }
            assert_eq!(
                left.finish(b"x"),
                hex::encode(sha2::Sha256::digest([&one[..], b"x"].concat()))
            );
            assert_eq!(right.finish(b""), hex::encode(sha2::Sha256::digest(&other)));
        }
    }
}
