//! Which hosts are reported.
//!
//! `exclude_hosts` is looked at first, then `filter_hosts`; a list is "one of them", an absent one is no filter. Items are
//! compared with the id that is reported and with the host's name. `exclude_host_parents` and `filter_host_parents` are
//! compared with the managed object id of the parent and with the cluster's name, both whole. Reference: virt-who, section 3.

mod pattern;

pub use pattern::{Broken, FilterType, Pattern};

use crate::model::{Hypervisor, Parent};

/// What a filter says about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is reported.
    Kept,
    /// This item excludes it.
    Excluded(String),
    /// No item of the list names it.
    NotListed,
}

impl Verdict {
    /// Whether the host is reported.
    #[must_use]
    pub fn keeps(&self) -> bool {
        *self == Self::Kept
    }
}

/// How many hosts each item of two lists has matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    exclude: Vec<u64>,
    include: Vec<u64>,
}

/// One item of a list and how many hosts it has matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The list's option.
    pub list: &'static str,
    /// As written.
    pub item: String,
    /// Hosts.
    pub hosts: u64,
}

/// Two lists of patterns.
#[derive(Debug, Clone)]
struct Lists<Item> {
    exclude: Vec<Item>,
    /// `None`: no filter. An empty list keeps nothing.
    include: Option<Vec<Item>>,
}

impl<Item> Default for Lists<Item> {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            include: None,
        }
    }
}

impl<Item> Lists<Item> {
    /// Reads both lists; what is broken of an item is told beside it.
    fn read(
        include: Option<&[String]>,
        exclude: Option<&[String]>,
        one: impl Fn(&str) -> (Item, Option<Broken>),
    ) -> (Self, Vec<Broken>) {
        let mut all_broken = Vec::new();
        let mut read = |items: &[String]| -> Vec<Item> {
            let read = items.iter().map(|item| {
                let (item, broken) = one(item);
                all_broken.extend(broken);
                item
            });
            read.collect()
        };
        let lists = Self {
            exclude: exclude.map(&mut read).unwrap_or_default(),
            include: include.map(&mut read),
        };
        (lists, all_broken)
    }

    fn is_none(&self) -> bool {
        self.exclude.is_empty() && self.include.is_none()
    }

    fn tally(&self, tally: &mut Tally, matches: impl Fn(&Item) -> bool) {
        let include = self.include.as_deref().unwrap_or_default();
        for (items, counts) in [
            (self.exclude.as_slice(), &mut tally.exclude),
            (include, &mut tally.include),
        ] {
            counts.resize(items.len(), 0);
            for (item, count) in items.iter().zip(counts) {
                *count += u64::from(matches(item));
            }
        }
    }

    fn matched<'a>(
        &'a self,
        tally: &Tally,
        names: [&'static str; 2],
        text: impl Fn(&'a Item) -> &'a str,
    ) -> Vec<Match> {
        let [exclude, include] = names;
        let all = self.include.as_deref().unwrap_or_default();
        let excluded = self.exclude.iter().enumerate();
        let included = all.iter().enumerate();
        excluded
            .map(|(at, item)| (exclude, item, tally.exclude.get(at)))
            .chain(included.map(|(at, item)| (include, item, tally.include.get(at))))
            .map(|(list, item, hosts)| Match {
                list,
                item: text(item).to_owned(),
                hosts: hosts.copied().unwrap_or(0),
            })
            .collect()
    }

    fn verdict<'a>(
        &'a self,
        matches: impl Fn(&Item) -> bool,
        text: impl Fn(&'a Item) -> &'a str,
    ) -> Verdict {
        if let Some(item) = self.exclude.iter().find(|item| matches(item)) {
            return Verdict::Excluded(text(item).to_owned());
        }
        match &self.include {
            Some(items) if !items.iter().any(matches) => Verdict::NotListed,
            _ => Verdict::Kept,
        }
    }
}

/// `filter_hosts` and `exclude_hosts`.
#[derive(Debug, Clone, Default)]
pub struct HostFilter(Lists<Pattern>);

impl HostFilter {
    /// Reads both lists. Broken patterns are told; they never match.
    #[must_use]
    pub fn new(
        include: Option<&[String]>,
        exclude: Option<&[String]>,
        kind: FilterType,
    ) -> (Self, Vec<Broken>) {
        let (lists, all_broken) = Lists::read(include, exclude, |item| Pattern::new(item, kind));
        (Self(lists), all_broken)
    }

    /// What becomes of this host.
    #[must_use]
    pub fn verdict(&self, host: &Hypervisor) -> Verdict {
        self.0
            .verdict(|item| Self::matches(item, host), Pattern::text)
    }

    fn matches(pattern: &Pattern, host: &Hypervisor) -> bool {
        let name = host.name.as_deref();
        pattern.matches(&host.id) || name.is_some_and(|name| pattern.matches(name))
    }

    /// Counts a host at every item that matches it.
    pub fn tally(&self, tally: &mut Tally, host: &Hypervisor) {
        self.0.tally(tally, |item| Self::matches(item, host));
    }

    /// The items with what was counted.
    #[must_use]
    pub fn matched(&self, tally: &Tally) -> Vec<Match> {
        let names = ["exclude_hosts", "filter_hosts"];
        self.0.matched(tally, names, Pattern::text)
    }

    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

#[derive(Debug, Clone)]
struct ParentPattern {
    id: Pattern,
    name: Pattern,
}

/// `filter_host_parents` and `exclude_host_parents`.
#[derive(Debug, Clone, Default)]
pub struct ParentFilter(Lists<ParentPattern>);

impl ParentFilter {
    /// Reads both lists: ids and names of clusters are compared whole, as `kind` says. With `anywhere` ids are searched as
    /// virt-who did ([`Pattern::anywhere`]).
    #[must_use]
    pub fn new(
        include: Option<&[String]>,
        exclude: Option<&[String]>,
        kind: FilterType,
        anywhere: bool,
    ) -> (Self, Vec<Broken>) {
        let (lists, all_broken) = Lists::read(include, exclude, |item| {
            let (name, by_name) = Pattern::new(item, kind);
            let (id, by_id) = if anywhere {
                Pattern::anywhere(item)
            } else {
                (name.clone(), None)
            };
            (ParentPattern { id, name }, by_id.or(by_name))
        });
        (Self(lists), all_broken)
    }

    /// What becomes of hosts below this parent. A host without one is kept unless the lists name only some parents.
    #[must_use]
    pub fn verdict(&self, parent: Option<&Parent>) -> Verdict {
        self.0.verdict(
            |item| Self::matches(item, parent),
            |pattern| pattern.id.text(),
        )
    }

    fn matches(pattern: &ParentPattern, parent: Option<&Parent>) -> bool {
        parent.is_some_and(|parent| {
            let name = parent.name.as_deref();
            pattern.id.matches(&parent.id) || name.is_some_and(|name| pattern.name.matches(name))
        })
    }

    /// Counts a host below this parent at every item that matches it.
    pub fn tally(&self, tally: &mut Tally, parent: Option<&Parent>) {
        self.0.tally(tally, |item| Self::matches(item, parent));
    }

    /// The items with what was counted.
    #[must_use]
    pub fn matched(&self, tally: &Tally) -> Vec<Match> {
        let names = ["exclude_host_parents", "filter_host_parents"];
        self.0.matched(tally, names, |pattern| pattern.id.text())
    }

    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn exclusion_comes_first_and_names_count_as_ids() {
        let (filter, broken) = HostFilter::new(
            Some(&lists(&["esx*"])),
            Some(&lists(&["esx2"])),
            FilterType::Wildcards,
        );
        assert_eq!(broken, []);
        let mut host = Hypervisor::new("4c4c4544-0042-3510-8052-b3c04f4d4e32");
        assert_eq!(filter.verdict(&host), Verdict::NotListed);
        host.name = Some("esx1".into());
        assert_eq!(filter.verdict(&host), Verdict::Kept);
        host.name = Some("esx2".into());
        assert_eq!(filter.verdict(&host), Verdict::Excluded("esx2".to_owned()));
    }

    #[test]
    fn every_item_that_matches_is_counted() {
        let (filter, _) = HostFilter::new(
            Some(&lists(&["esx*", "esx1", "old"])),
            Some(&lists(&["esx2"])),
            FilterType::Wildcards,
        );
        let mut tally = Tally::default();
        for id in ["esx1", "esx2", "other"] {
            filter.tally(&mut tally, &Hypervisor::new(id));
        }
        let found: Vec<_> = filter
            .matched(&tally)
            .into_iter()
            .map(|one| format!("{} {} {}", one.list, one.item, one.hosts))
            .collect();
        assert_eq!(
            found,
            [
                "exclude_hosts esx2 1",
                "filter_hosts esx* 2",
                "filter_hosts esx1 1",
                "filter_hosts old 0"
            ]
        );
        assert_eq!(
            filter.matched(&Tally::default()).len(),
            4,
            "nothing was read"
        );
    }

    #[test]
    fn a_list_of_nothing_keeps_nothing_and_no_list_everything() {
        let host = Hypervisor::new("h");
        let (nothing, _) = HostFilter::new(Some(&[]), None, FilterType::Either);
        assert_eq!(nothing.verdict(&host), Verdict::NotListed);
        assert_eq!(HostFilter::default().verdict(&host), Verdict::Kept);
        assert!(HostFilter::default().is_none());
    }

    #[test]
    fn parents_match_by_id_and_by_name() {
        let (filter, _) = ParentFilter::new(
            Some(&lists(&["Prod*", "domain-c9"])),
            None,
            FilterType::Either,
            false,
        );
        let parent = |id: &str, name: Option<&str>| Parent {
            id: id.into(),
            name: name.map(Into::into),
        };
        assert!(
            filter
                .verdict(Some(&parent("domain-c7", Some("prod one"))))
                .keeps()
        );
        assert!(filter.verdict(Some(&parent("domain-c9", None))).keeps());
        assert!(
            !filter
                .verdict(Some(&parent("domain-c8", Some("test"))))
                .keeps()
        );
        assert!(!filter.verdict(None).keeps());
    }

    #[test]
    fn the_id_of_a_parent_is_compared_whole_unless_it_is_to_be_as_in_virt_who() {
        let parent = Parent {
            id: "domain-c70".into(),
            name: None,
        };
        let keeps = |item: &str, anywhere| {
            let kind = FilterType::Either;
            let (filter, broken) = ParentFilter::new(Some(&lists(&[item])), None, kind, anywhere);
            assert_eq!(broken, []);
            filter.verdict(Some(&parent)).keeps()
        };
        assert!(!keeps("domain-c7", false));
        assert!(keeps("domain-c7", true));
        for anywhere in [false, true] {
            assert!(keeps("domain-c7*", anywhere));
            assert!(!keeps("domain-s*", anywhere));
        }
    }
}
