//! One list out of what several upstreams give.
//!
//! A package that several upstreams list stands once, as the first of them describes it. Of different packages with one
//! NEVRA that of the earlier upstream counts, since clients could not tell them apart; within one upstream both stay, as
//! it says. What is chosen among versions (`--latest`) is chosen over all upstreams together.

use std::collections::{HashMap, HashSet};

use airlock_model::{Channel, MetadataMode};
use roaring::RoaringTreemap;

use super::contribution::Contribution;
use crate::Result;
use crate::filter::Selector;
use crate::pack::RecordInfo;

/// Notes about single packages; the rest is counted.
const SHOWN: usize = 3;

/// Name, epoch, version, release, architecture.
type Nevra<'a> = (&'a str, u64, &'a str, &'a str, &'a str);

fn nevra<'a>(record: &RecordInfo<'a>) -> Nevra<'a> {
    (
        record.name,
        record.epoch,
        record.version,
        record.release,
        record.arch,
    )
}

/// Leaves in each contribution the records that the channel takes of it. Returns what a person should know.
///
/// # Errors
/// When a glob of the channel's filter is none.
pub(super) fn merge(channel: &Channel, parts: &mut [Contribution]) -> Result<Vec<String>> {
    let everything = channel.filter.takes_everything() && channel.filter.source_packages;
    // Verbatim metadata lists what it lists.
    if channel.metadata == MetadataMode::Verbatim || (everything && parts.len() < 2) {
        return Ok(Vec::new());
    }
    let barred: HashSet<String> = parts.iter().flat_map(|part| part.barred.clone()).collect();
    let selector = Selector::new(&channel.filter, barred)?;
    let urls: Vec<&str> = channel.upstreams.iter().map(|u| u.url.as_str()).collect();
    let mut notes = Vec::new();
    let mut taken: Vec<((usize, u64), RecordInfo<'_>)> = Vec::new();
    // What upstreams before the present one gave.
    let mut identities: HashSet<(&str, &str)> = HashSet::new();
    let mut builds: HashMap<Nevra<'_>, usize> = HashMap::new();
    for (number, part) in parts.iter().enumerate() {
        let begin = taken.len();
        for (record, info) in part.view.members().filter(|(_, info)| selector.takes(info)) {
            if identities.contains(&(info.checksum_type, info.checksum)) {
                continue;
            }
            if let Some(earlier) = builds.get(&nevra(&info)) {
                let url = |number: usize| urls.get(number).copied().unwrap_or_default();
                notes.push(format!(
                    "{} is another package in {} than in {}, which comes first and counts",
                    info.nevra(),
                    url(number),
                    url(*earlier)
                ));
                continue;
            }
            taken.push(((number, record), info));
        }
        if number + 1 < parts.len() {
            for (_, info) in taken.get(begin..).unwrap_or_default() {
                identities.insert((info.checksum_type, info.checksum));
                builds.entry(nevra(info)).or_insert(number);
            }
        }
    }
    let mut chosen = vec![RoaringTreemap::new(); parts.len()];
    for ((number, record), _) in selector.newest(taken) {
        if let Some(records) = chosen.get_mut(number) {
            records.insert(record);
        }
    }
    for (part, records) in parts.iter_mut().zip(chosen) {
        part.view.records = records;
    }
    let more = notes.len().saturating_sub(SHOWN);
    notes.truncate(SHOWN);
    if more > 0 {
        notes.push(format!(
            "and {more} more packages that the earlier upstream has otherwise"
        ));
    }
    Ok(notes)
}
