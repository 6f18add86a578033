//! Names of cloned errata (reference clone-by-date, section 6): `RHBA-2014:1` becomes `CL-BA-2014:1`, and `CM-BA-2014:1`
//! where that name is taken.

use std::collections::{BTreeMap, HashSet};

use airlock_model::{ErratumId, OrgId, Plan};

use crate::{Content, Error, Result};

/// An erratum of a plan that gets a name of its own.
pub(super) struct Unnamed {
    /// Places of the channel in the plan and of the erratum in it.
    pub channel: usize,
    pub place: usize,
    pub erratum: ErratumId,
    pub advisory: String,
}

impl Content {
    /// Names the errata that become clones: as the clones that exist, else by the first free names.
    pub(super) async fn name_errata(
        &self,
        org: OrgId,
        plan: &mut Plan,
        unnamed: Vec<Unnamed>,
    ) -> Result<()> {
        if unnamed.is_empty() {
            return Ok(());
        }
        let clones = airlock_db::errata_clones::oldest_clones(self.db(), org).await?;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        // In the order of their names, so that the same plan gives the same ones; each with the name to be tried.
        let mut waiting: BTreeMap<String, String> = BTreeMap::new();
        for erratum in &unnamed {
            match clones.get(&erratum.erratum) {
                Some((_, name)) => {
                    names.insert(erratum.advisory.clone(), name.clone());
                }
                None => {
                    waiting.insert(erratum.advisory.clone(), candidate(&erratum.advisory, 0)?);
                }
            }
        }
        let mut taken: HashSet<String> = names.values().cloned().collect();
        let mut tried = 0;
        while !waiting.is_empty() {
            let next: Vec<String> = waiting.values().cloned().collect();
            taken.extend(airlock_db::errata_clones::taken_names(self.db(), org, &next).await?);
            tried += 1;
            let mut rest = BTreeMap::new();
            for (advisory, name) in waiting {
                if taken.insert(name.clone()) {
                    names.insert(advisory, name);
                } else {
                    let next = candidate(&advisory, tried)?;
                    rest.insert(advisory, next);
                }
            }
            waiting = rest;
        }
        for erratum in unnamed {
            let planned = plan
                .channels
                .get_mut(erratum.channel)
                .and_then(|channel| channel.errata.get_mut(erratum.place));
            if let (Some(planned), Some(name)) = (planned, names.get(&erratum.advisory)) {
                planned.published_as.clone_from(name);
            }
        }
        Ok(())
    }
}

/// The name to be tried after so many others.
fn candidate(advisory: &str, tried: usize) -> Result<String> {
    candidates(advisory).nth(tried).ok_or_else(|| {
        Error::conflict(
            format!("every name for a clone of {advisory} is taken"),
            "use --keep-advisory-names",
        )
    })
}

/// The name behind the prefix.
fn suffix(advisory: &str) -> &str {
    advisory.strip_prefix("RH").unwrap_or(advisory)
}

/// The names that a clone of an original may get, in their order: `CL-` to `CZ-`, then `DA-` to `ZZ-`.
fn candidates(advisory: &str) -> impl Iterator<Item = String> + '_ {
    let letters = |from: u8| (from..=b'Z').map(char::from);
    let first = letters(b'L').map(|second| ('C', second));
    let later =
        letters(b'D').flat_map(move |first| letters(b'A').map(move |second| (first, second)));
    first
        .chain(later)
        .map(move |(first, second)| format!("{first}{second}-{}", suffix(advisory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_old() {
        let names: Vec<String> = candidates("RHBA-2014:1").take(17).collect();
        assert_eq!(names[0], "CL-BA-2014:1");
        assert_eq!(names[1], "CM-BA-2014:1");
        assert_eq!(names[14], "CZ-BA-2014:1");
        assert_eq!(names[15], "DA-BA-2014:1");
        assert_eq!(names[16], "DB-BA-2014:1");
        assert_eq!(candidates("CUSTOM-1").next().unwrap(), "CL-CUSTOM-1");
        assert_eq!(candidates("X").count(), 15 + 23 * 26);
        assert_eq!(candidates("X").last().unwrap(), "ZZ-X");
    }
}
