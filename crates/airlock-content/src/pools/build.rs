//! A pool out of packs: primary fragments first, then the paths that they ask for, block by block. A second thread opens
//! the blocks ahead.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use airlock_solve::{Pool, PoolBuilder, RepositoryId};

use super::Source;
use crate::pack::{Block, BlockOpener, PackIndex, PackReader, Part};
use crate::{Content, Error, Result};

/// Blocks opened ahead: some ten megabytes at most.
const AHEAD: usize = 8;

/// An open pack of one part.
struct Open {
    repository: RepositoryId,
    /// Place of the part.
    source: usize,
    first_record: u64,
    reader: PackReader,
}

/// A block to be read.
struct Job<'a> {
    pack: &'a Open,
    block: Block,
}

/// Makes the pool of some parts.
pub(super) fn build(content: &Content, sources: &[Source]) -> Result<Pool> {
    let mut builder = PoolBuilder::new();
    let mut packs = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let repository = builder.add_repository(&source.part.label);
        for row in &source.packs {
            let index = content.pack_index(&row.sha256)?;
            if index.len() as u64 != row.records {
                return Err(Error::damaged(format!(
                    "pack {} has another number of records than its row",
                    row.sha256
                )));
            }
            packs.push(Open {
                repository,
                source: number,
                first_record: row.first_record,
                reader: PackReader::with_index(&content.blobs().path(&row.sha256)?, index)?,
            });
        }
    }
    walk(sources, &packs, Part::Primary, |pack, record, fragment| {
        Ok(builder.add_primary(pack.repository, fragment, record)?)
    })?;
    let wanted = builder.wanted_paths();
    if wanted.are_beyond_primary() {
        // In the same order, so that numbers agree: checksums do not tell two descriptions of one package apart.
        let mut number = 0;
        walk(sources, &packs, Part::Filelists, |_, _, fragment| {
            builder.add_paths_of(number, &wanted, fragment)?;
            number += 1;
            Ok(())
        })?;
    }
    Ok(builder.finish())
}

/// Gives every member's fragment of one part, in the order of parts, packs and records.
fn walk(
    sources: &[Source],
    packs: &[Open],
    part: Part,
    mut each: impl FnMut(&Open, u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let jobs = jobs(sources, packs, part);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        let jobs = &jobs;
        let ahead = move || {
            let mut opener = BlockOpener::new();
            for job in jobs {
                let opened = job.pack.reader.open_block(&job.block, &mut opener);
                let failed = opened.is_err();
                // The other side has gone when it failed.
                if sender
                    .send(opened.map(|block| block.open.to_vec()))
                    .is_err()
                    || failed
                {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("opening blocks".to_owned())
            .spawn_scoped(scope, ahead)
            .map_err(|error| Error::io("starting a thread", error))?;
        read(sources, jobs, part, &receiver, &mut each)
    })
}

fn read(
    sources: &[Source],
    jobs: &[Job<'_>],
    part: Part,
    opened: &Receiver<Result<Vec<u8>, crate::pack::PackError>>,
    each: &mut impl FnMut(&Open, u64, &[u8]) -> Result<()>,
) -> Result<()> {
    for job in jobs {
        let open = opened
            .recv()
            .map_err(|_| Error::worker_panicked("opening blocks"))??;
        let records = &sources[job.pack.source].part.records;
        let reader = &job.pack.reader;
        reader.fragments::<Error>(part, &job.block, &open, |position, fragment| {
            let record = job.pack.first_record + position as u64;
            match records.contains(record) {
                true => each(job.pack, record, fragment),
                false => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// The blocks that hold members.
fn jobs<'a>(sources: &[Source], packs: &'a [Open], part: Part) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for pack in packs {
        let index: &Arc<PackIndex> = pack.reader.index();
        let records = &sources[pack.source].part.records;
        for block in index.blocks(part) {
            let begin = pack.first_record + u64::from(block.first);
            if records.range_cardinality(begin..begin + u64::from(block.records)) > 0 {
                jobs.push(Job {
                    pack,
                    block: *block,
                });
            }
        }
    }
    jobs
}
