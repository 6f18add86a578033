//! Closes what was selected and says for each package and erratum why it comes in.

use std::collections::{BTreeMap, HashMap};

use airlock_model::{ErratumReason, PackageReason, UnmetRecommendation};
use airlock_solve::PackageId;

use super::close::Policy;
use super::judge::{Broken, Open};
use super::question::{Question, Standing};

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

impl Question<'_, '_> {
    /// Answers the question.
    pub(super) fn decide(&self) -> Decision {
        let pool = self.universe.pool();
        let policy = Policy::new(self);
        let mut channels: Vec<DecidedChannel> = self
            .channels
            .iter()
            .map(|own| DecidedChannel {
                packages: own.taken.iter().cloned().collect(),
                ..DecidedChannel::default()
            })
            .collect();
        let mut brought: HashMap<usize, ErratumReason> = HashMap::new();
        for pulled in &policy.close() {
            let by = pool.nevra(pulled.needed_by);
            let requires = pool.dependency_text(pulled.dependency);
            let erratum = policy.erratum(pulled);
            let advisory = erratum.map(|erratum| erratum.advisory.clone());
            if let Some(erratum) = erratum {
                // It may stand otherwise in another channel.
                brought
                    .entry(erratum.number)
                    .or_insert_with(|| ErratumReason::Needed {
                        package: pool.nevra(pulled.package),
                        by: by.clone(),
                        requires: requires.clone(),
                    });
            }
            let mut take = |id: PackageId, reason: PackageReason| {
                if let Some(channel) = policy.channel_of(id).and_then(|c| channels.get_mut(c)) {
                    channel.packages.entry(id).or_insert(reason);
                }
            };
            let along = |advisory: &Option<String>| PackageReason::WithErratum {
                advisory: advisory.clone().unwrap_or_default(),
            };
            let reason = match (pulled.alone, &advisory) {
                (false, Some(_)) => along(&advisory),
                _ => PackageReason::Needed {
                    by,
                    requires,
                    advisory: advisory.clone(),
                },
            };
            take(pulled.package, reason);
            for id in &pulled.with {
                take(*id, along(&advisory));
            }
        }
        let mut there = self.parent.clone();
        for (own, channel) in self.channels.iter().zip(&mut channels) {
            let mut result = own.kept.clone();
            result.extend(channel.packages.keys());
            result.sort_unstable();
            result.dedup();
            result.iter().for_each(|id| {
                there.insert(*id);
            });
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
                    channel.errata.push((place, reason));
                }
            }
            channel.result = result;
        }
        let results: Vec<Vec<PackageId>> = channels
            .iter_mut()
            .map(|channel| std::mem::take(&mut channel.result))
            .collect();
        let open = self.open(&results, &there, |id| policy.is_beyond(id));
        let broken = self.broken(&results, &there);
        let recommended = self.recommended(&results, &there);
        for (channel, result) in channels.iter_mut().zip(results) {
            channel.result = result;
        }
        let incoming = channels.iter().flat_map(|channel| channel.packages.keys());
        let beyond = incoming
            .copied()
            .filter(|id| policy.is_beyond(*id))
            .collect();
        Decision {
            channels,
            open,
            broken,
            recommended,
            beyond,
        }
    }
}
