//! What provides what.

use airlock_repodata::primary::DependencyKind;

use crate::dependency::{DependencyId, Expression, ranges_meet};
use crate::intern::StringId;
use crate::pool::{PackageId, Pool};

/// Names of capabilities and paths, and who offers them.
#[derive(Debug, Clone)]
pub(crate) struct ProviderIndex {
    /// Where the offers of each name start, and the end.
    starts: Vec<u32>,
    /// Package and the offer itself; `None` for a path of its own. Sorted by package within a name.
    offers: Vec<(PackageId, Option<DependencyId>)>,
}

impl ProviderIndex {
    /// The index over the packages that `takes` accepts.
    pub(crate) fn new(pool: &Pool, takes: impl Fn(PackageId) -> bool) -> Self {
        let offers = || {
            let packages = pool.packages().map(|(id, _)| id).filter(|id| takes(*id));
            packages.flat_map(|id| {
                let provides = pool.list(id, DependencyKind::Provides).iter();
                provides.filter_map(move |offer| match pool.expression(*offer) {
                    Expression::Name(name) | Expression::Version(name, ..) => {
                        Some((name, id, Some(*offer)))
                    }
                    _ => None,
                })
            })
        };
        let files = || {
            let files = pool.files.iter().filter(|(_, id)| takes(*id));
            files.map(|(path, id)| (*path, *id, None))
        };
        let mut starts = vec![0_u32; pool.strings.len() + 1];
        for (name, ..) in offers().chain(files()) {
            starts[name.index() + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut next = starts.clone();
        let count = starts.last().map_or(0, |end| *end as usize);
        let mut sorted = vec![(PackageId(0), None); count];
        for (name, id, offer) in offers().chain(files()) {
            let place = &mut next[name.index()];
            sorted[*place as usize] = (id, offer);
            *place += 1;
        }
        // Paths come behind the offers; within a name packages have to be in order.
        for window in starts.windows(2) {
            let offers = &mut sorted[window[0] as usize..window[1] as usize];
            if !offers.is_sorted() {
                offers.sort_unstable();
            }
        }
        Self {
            starts,
            offers: sorted,
        }
    }

    fn offers(&self, name: StringId) -> &[(PackageId, Option<DependencyId>)] {
        match self.starts.get(name.index()..name.index() + 2) {
            Some(&[start, end]) => &self.offers[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Gives each package that offers a name in any version.
    pub(crate) fn for_name(&self, name: StringId, mut take: impl FnMut(PackageId)) {
        self.offers(name).iter().for_each(|(id, _)| take(*id));
    }

    /// Appends the packages that offer a capability, in their order, each once. For a rich
    /// dependency that is no capability nothing is appended.
    pub(crate) fn push(&self, pool: &Pool, dependency: DependencyId, out: &mut Vec<PackageId>) {
        let start = out.len();
        let mut add = |id: PackageId| {
            if out.len() == start || out.last() != Some(&id) {
                out.push(id);
            }
        };
        match pool.expression(dependency) {
            Expression::Name(name) => self.offers(name).iter().for_each(|(id, _)| add(*id)),
            Expression::Version(name, sense, evr) => {
                let wanted = (sense, pool.dependencies.evrs[evr.0 as usize]);
                for (id, offer) in self.offers(name) {
                    let meets = match offer.map(|offer| pool.expression(offer)) {
                        Some(Expression::Version(_, sense, evr)) => {
                            let offered = (sense, pool.dependencies.evrs[evr.0 as usize]);
                            ranges_meet(&pool.strings, offered, wanted)
                        }
                        // rpm takes an offer without a version as every version.
                        _ => true,
                    };
                    if meets {
                        add(*id);
                    }
                }
            }
            Expression::With(one, two) | Expression::Without(one, two) => {
                let with = matches!(pool.expression(dependency), Expression::With(..));
                let others = self.providers(pool, two);
                let found = self.providers(pool, one).into_iter();
                out.extend(found.filter(|id| others.binary_search(id).is_ok() == with));
            }
            Expression::Or(one, two) => {
                let mut both = self.providers(pool, one);
                self.push(pool, two, &mut both);
                both.sort_unstable();
                both.dedup();
                out.extend(both);
            }
            _ => {}
        }
    }

    /// The packages that offer a capability, in their order.
    pub(crate) fn providers(&self, pool: &Pool, dependency: DependencyId) -> Vec<PackageId> {
        let mut found = Vec::new();
        self.push(pool, dependency, &mut found);
        found
    }
}
