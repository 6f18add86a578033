//! Closes what was selected and says for each package and erratum why it comes in.

use std::collections::{BTreeMap, HashMap, HashSet};

use airlock_model::{ErratumReason, PackageReason, UnmetRecommendation};
use airlock_solve::{PackageId, PackageSet, Pool, Pulled, Sight};

use super::close::{Policy, Stream};
use super::judge::{Broken, Open};
use super::question::{ChannelQuestion, Question, Standing};
use crate::Result;

/// What is done to one clone.
#[derive(Debug, Default)]
pub(super) struct DecidedChannel {
    /// Packages that come in, by number.
    pub packages: BTreeMap<PackageId, PackageReason>,
    /// Errata that come in, by their place in the question.
    pub errata: Vec<(usize, ErratumReason)>,
    /// Packages of the clone afterwards, by number.
    pub result: Vec<PackageId>,
}

/// What is done, and what is wrong with the result.
pub(super) struct Decision {
    pub channels: Vec<DecidedChannel>,
    pub open: Vec<Open>,
    pub broken: Vec<Broken>,
    /// Recommendations that only the sources meet, by channel.
    pub recommended: Vec<Vec<UnmetRecommendation>>,
    /// Packages that come in and are beyond the date by their erratum.
    pub beyond: Vec<PackageId>,
}

/// Rounds of closing after which streams and packages that need each other in turn are left as they are. Each round's
/// result is judged as it is, so nothing is hidden by that.
const MOST_ROUNDS: usize = 24;

impl Question<'_, '_> {
    /// Answers the question.
    pub(super) fn decide(&self) -> Result<Decision> {
        let policy = Policy::new(self);
        let of_source = self.modules.contexts(self.universe);
        let source_sight = match self.modules.is_empty() {
            true => Sight::default(),
            false => Sight::new(&of_source),
        };
        let mut channels = self.channels_without_dependencies();
        let mut results = self.results(&channels);
        let mut there = self.there_with(&results);
        let mut published = self.published_with(&results, &there, &source_sight)?;
        let mut streams: Vec<Stream> = Vec::new();
        // Streams that came, and were not needed any more; what they came for is not chosen again.
        let mut dropped: HashSet<(String, Option<String>)> = HashSet::new();
        let mut avoided = PackageSet::default();
        let mut brought = HashMap::new();
        // What a package sees changes with what is there, so a result is closed again until it stays.
        for _ in 0..MOST_ROUNDS {
            let pulled = policy.close(&streams, published.sight.as_ref(), &avoided);
            (channels, brought) = self.bring(&policy, &streams, &pulled);
            let closed = self.results(&channels);
            let same = closed == results;
            results = closed;
            there = self.there_with(&results);
            if published.sight.is_none() {
                break;
            }
            if !same {
                published = self.published_with(&results, &there, &source_sight)?;
                continue;
            }
            // A stream comes along when no dependency of a package has brought it, and goes when what it came for has gone,
            // for something of the stream does in its place: that is then chosen at once.
            let before = streams.len();
            streams.retain(|stream| {
                let needed =
                    |packages: &Vec<PackageId>| packages.binary_search(&stream.needed_by).is_ok();
                let key = (stream.requires.clone(), stream.build.clone());
                if results.iter().any(needed) || !dropped.insert(key) {
                    return true;
                }
                avoided.insert(stream.needed_by);
                false
            });
            if streams.len() < before {
                continue;
            }
            if self.solve {
                for lack in self.lacks(&published.contexts, &of_source, &results, &there) {
                    let known = |stream: &Stream| {
                        stream.requires == lack.requires && stream.build == lack.build
                    };
                    if !streams.iter().any(known) {
                        streams.extend(policy.stream(&lack));
                    }
                }
            }
            if streams.len() == before {
                break;
            }
        }
        for (place, own) in self.channels.iter().enumerate() {
            channels[place].errata = listed(own, &results[place], &brought);
        }
        let sight = published.sight.as_ref();
        let mut open = self.open(&results, &there, sight, |id| policy.is_beyond(id));
        let lacks = self.lacks(&published.contexts, &of_source, &results, &there);
        open.extend(self.open_streams(&policy, &lacks, &results));
        let broken = self.broken(&results, &there, &published.contexts, &of_source);
        let recommended = self.recommended(&results, &there);
        for (channel, result) in channels.iter_mut().zip(results) {
            channel.result = result;
        }
        let incoming = channels.iter().flat_map(|channel| channel.packages.keys());
        let beyond = incoming
            .copied()
            .filter(|id| policy.is_beyond(*id))
            .collect();
        Ok(Decision {
            channels,
            open,
            broken,
            recommended,
            beyond,
        })
    }

    fn channels_without_dependencies(&self) -> Vec<DecidedChannel> {
        let channels = self.channels.iter().map(|own| DecidedChannel {
            packages: own.taken.iter().cloned().collect(),
            ..DecidedChannel::default()
        });
        channels.collect()
    }

    /// The packages of each clone afterwards, by number.
    fn results(&self, channels: &[DecidedChannel]) -> Vec<Vec<PackageId>> {
        let result = |(own, channel): (&ChannelQuestion, &DecidedChannel)| {
            let mut result = own.kept.clone();
            result.extend(channel.packages.keys());
            result.sort_unstable();
            result.dedup();
            result
        };
        self.channels.iter().zip(channels).map(result).collect()
    }

    fn there_with(&self, results: &[Vec<PackageId>]) -> PackageSet {
        let mut there = self.parent.clone();
        results.iter().flatten().for_each(|id| {
            there.insert(*id);
        });
        there
    }

    /// What comes in with streams and dependencies, with the errata that these bring, by number.
    fn bring(
        &self,
        policy: &Policy<'_, '_, '_>,
        streams: &[Stream],
        pulled: &[Pulled],
    ) -> (Vec<DecidedChannel>, HashMap<usize, ErratumReason>) {
        let pool = self.universe.pool();
        let mut bring = Bring {
            policy,
            pool,
            channels: self.channels_without_dependencies(),
            brought: HashMap::new(),
        };
        for stream in streams {
            let by = pool.nevra(stream.needed_by);
            for choice in &stream.packages {
                let group = (choice.package, choice.with.as_slice(), choice.tag);
                bring.group(group, &by, &stream.requires, true);
            }
        }
        for pulled in pulled {
            let by = pool.nevra(pulled.needed_by);
            let requires = pool.dependency_text(pulled.dependency);
            let group = (pulled.package, pulled.with.as_slice(), pulled.tag);
            bring.group(group, &by, &requires, pulled.alone);
        }
        (bring.channels, bring.brought)
    }
}

/// Takes in what was pulled, with reasons.
struct Bring<'a, 'q, 'b, 'p> {
    policy: &'a Policy<'q, 'b, 'p>,
    pool: &'a Pool,
    channels: Vec<DecidedChannel>,
    brought: HashMap<usize, ErratumReason>,
}

impl Bring<'_, '_, '_, '_> {
    /// A package that something requires, with what comes along. Unless it is `alone` in meeting that, it is there for
    /// its erratum.
    fn group(
        &mut self,
        (package, with, tag): (PackageId, &[PackageId], Option<u64>),
        by: &str,
        requires: &str,
        alone: bool,
    ) {
        let erratum = self.policy.erratum(tag);
        let advisory = erratum.map(|erratum| erratum.advisory.clone());
        if let Some(erratum) = erratum {
            // It may stand otherwise in another channel.
            self.brought
                .entry(erratum.number)
                .or_insert_with(|| ErratumReason::Needed {
                    package: self.pool.nevra(package),
                    by: by.to_owned(),
                    requires: requires.to_owned(),
                });
        }
        let along = PackageReason::WithErratum {
            advisory: advisory.clone().unwrap_or_default(),
        };
        let reason = match (alone, &advisory) {
            (false, Some(_)) => along.clone(),
            _ => PackageReason::Needed {
                by: by.to_owned(),
                requires: requires.to_owned(),
                advisory,
            },
        };
        self.take(package, reason);
        for id in with {
            self.take(*id, along.clone());
        }
    }

    fn take(&mut self, id: PackageId, reason: PackageReason) {
        let channel = self.policy.channel_of(id);
        if let Some(channel) = channel.and_then(|place| self.channels.get_mut(place)) {
            channel.packages.entry(id).or_insert(reason);
        }
    }
}

/// Errata that come into a clone with these packages.
fn listed(
    own: &ChannelQuestion,
    result: &[PackageId],
    brought: &HashMap<usize, ErratumReason>,
) -> Vec<(usize, ErratumReason)> {
    let mut errata = Vec::new();
    for (place, erratum) in own.errata.iter().enumerate() {
        let reason = match erratum.standing {
            Standing::Present | Standing::Incomplete => continue,
            Standing::Revised => ErratumReason::Revised,
            Standing::InRange => ErratumReason::Date,
            Standing::Named => ErratumReason::Named,
            Standing::Recorded => ErratumReason::Recorded,
            Standing::Available => match brought.get(&erratum.number) {
                Some(reason) => reason.clone(),
                None => continue,
            },
        };
        // An advisory is listed exactly where its packages are.
        let is_there = |id: &PackageId| result.binary_search(id).is_ok();
        // What a recorded version lists without its packages it goes on to list.
        let without = erratum.names_none
            || (erratum.standing == Standing::Recorded && erratum.packages.is_empty());
        if without || erratum.packages.iter().any(is_there) {
            errata.push((place, reason));
        }
    }
    errata
}
