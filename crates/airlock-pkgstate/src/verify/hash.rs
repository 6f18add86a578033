//! Digests of many files. SHA-256, which all packages of today have, is taken of two files at once.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};

use airlock_rpm::digest::Running;
use airlock_rpm::package::DigestAlgorithm;
use airlock_rpm::sha256::{Block, Sha256, update_both};

use super::pace::Pace;

const BLOCK: usize = size_of::<Block>();
/// Read at once. Fits the second cache of every processor, twice.
const BUFFER: usize = 128 * 1024;

/// What came of reading one file: digest in hexadecimal and bytes read.
pub(super) type Outcome = io::Result<(String, u64)>;

/// Files to be read, by number; the caller knows how to open them.
pub(super) struct Hashing<'w> {
    pub(super) algorithm: DigestAlgorithm,
    pub(super) pace: &'w Pace,
}

/// One file on its way.
struct Reading {
    job: usize,
    file: File,
    foreign: bool,
    hash: Sha256,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    length: u64,
}

impl Hashing<'_> {
    /// Reads all files and gives what came of each to `done`. `None` from `open` is a file of an algorithm that is
    /// not known here.
    pub(super) fn run(
        &self,
        jobs: impl IntoIterator<Item = usize>,
        open: impl Fn(usize) -> io::Result<File>,
        mut done: impl FnMut(usize, Outcome),
    ) {
        let mut jobs: VecDeque<usize> = jobs.into_iter().collect();
        if self.algorithm != DigestAlgorithm::Sha256 {
            for job in jobs {
                done(job, open(job).and_then(|file| self.one(file)));
            }
            return;
        }
        let mut spare: Vec<Vec<u8>> = Vec::new();
        let mut slots: [Option<Reading>; 2] = [None, None];
        loop {
            for slot in &mut slots {
                self.prepare(slot, &mut jobs, &open, &mut done, &mut spare);
            }
            match &mut slots {
                [None, None] => return,
                [Some(one), Some(other)] => {
                    let count = one.blocks().len().min(other.blocks().len());
                    update_both(
                        &mut one.hash,
                        [
                            &one.buffer[one.start..one.end].as_chunks().0[..count],
                            &other.buffer[other.start..other.end].as_chunks().0[..count],
                        ],
                        &mut other.hash,
                    );
                    one.start += count * BLOCK;
                    other.start += count * BLOCK;
                }
                [Some(one), None] | [None, Some(one)] => {
                    let blocks = one.buffer[one.start..one.end].as_chunks().0;
                    one.hash.update(blocks);
                    one.start += size_of_val(blocks);
                }
            }
        }
    }

    /// Sees to it that a slot holds a file with at least one whole block to hash, as long as there are files.
    fn prepare(
        &self,
        slot: &mut Option<Reading>,
        jobs: &mut VecDeque<usize>,
        open: &impl Fn(usize) -> io::Result<File>,
        done: &mut impl FnMut(usize, Outcome),
        spare: &mut Vec<Vec<u8>>,
    ) {
        loop {
            if let Some(reading) = slot {
                if !reading.blocks().is_empty() {
                    return;
                }
                match self.fill(reading) {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => {
                        let job = reading.job;
                        *slot = None;
                        done(job, Err(error));
                        continue;
                    }
                }
            }
            if let Some(reading) = slot.take() {
                if reading.foreign {
                    Pace::forget(&reading.file);
                }
                let tail = &reading.buffer[reading.start..reading.end];
                let digest = reading.hash.finish(tail);
                done(reading.job, Ok((digest, reading.length)));
                spare.push(reading.buffer);
            }
            let Some(job) = jobs.pop_front() else {
                return;
            };
            match open(job) {
                Ok(file) => {
                    *slot = Some(Reading {
                        job,
                        foreign: self.pace.is_foreign(&file),
                        file,
                        hash: Sha256::new(),
                        buffer: spare.pop().unwrap_or_else(|| vec![0; BUFFER]),
                        start: 0,
                        end: 0,
                        at_end: false,
                        length: 0,
                    });
                }
                Err(error) => done(job, Err(error)),
            }
        }
    }

    /// Reads on. False when there is no whole block left and the file is at its end.
    fn fill(&self, reading: &mut Reading) -> io::Result<bool> {
        if reading.at_end {
            return Ok(false);
        }
        reading.buffer.copy_within(reading.start..reading.end, 0);
        reading.end -= reading.start;
        reading.start = 0;
        let room = reading.buffer.len() - reading.end;
        let count = read(&mut reading.file, &mut reading.buffer[reading.end..])?;
        // Regular files give all that is asked for, up to their end.
        reading.at_end = count < room;
        reading.end += count;
        reading.length += count as u64;
        self.pace.spend(count);
        Ok(reading.end >= BLOCK || !reading.at_end)
    }

    /// Any algorithm, one file.
    fn one(&self, mut file: File) -> Outcome {
        let Some(mut running) = Running::new(self.algorithm) else {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        };
        let foreign = self.pace.is_foreign(&file);
        let mut buffer = vec![0; BUFFER];
        let mut length = 0;
        loop {
            let count = read(&mut file, &mut buffer)?;
            if count == 0 {
                break;
            }
            running.update(&buffer[..count]);
            length += count as u64;
            self.pace.spend(count);
        }
        if foreign {
            Pace::forget(&file);
        }
        Ok((running.finish(), length))
    }
}

impl Reading {
    fn blocks(&self) -> &[Block] {
        self.buffer[self.start..self.end].as_chunks().0
    }
}

fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn many_files_of_all_lengths_get_their_own_digest() {
        let folder = tempfile::tempdir().unwrap();
        let lengths = [
            0,
            1,
            55,
            56,
            63,
            64,
            65,
            127,
            128,
            1000,
            BUFFER - 1,
            BUFFER,
            BUFFER + 1,
            3 * BUFFER + 7,
            2,
        ];
        let content =
            |job: usize| -> Vec<u8> { (0..lengths[job]).map(|at| (at * 7 + job) as u8).collect() };
        for job in 0..lengths.len() {
            std::fs::write(folder.path().join(job.to_string()), content(job)).unwrap();
        }
        let pace = Pace::new(true, None);
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Md5] {
            let hashing = Hashing {
                algorithm,
                pace: &pace,
            };
            let mut found = vec![None; lengths.len() + 1];
            hashing.run(
                0..=lengths.len(),
                |job| File::open(folder.path().join(job.to_string())),
                |job, outcome| found[job] = Some(outcome.ok()),
            );
            for job in 0..lengths.len() {
                let mut whole = Running::new(algorithm).unwrap();
                whole.update(&content(job));
                let expected = (whole.finish(), lengths[job] as u64);
                assert_eq!(found[job], Some(Some(expected)), "{algorithm} {job}");
            }
            // The last one is not there.
            assert_eq!(found[lengths.len()], Some(None));
        }
    }
}
