//! Makes a contradiction smaller until no rule can be left out.

use crate::engine::Rule;
use crate::intern::NumberMap;
use crate::pool::PackageId;
use crate::universe::Universe;

/// Contradictions with more rules are taken as they are: trying each rule costs more than a
/// reader of that many steps gains.
const MOST_RULES: usize = 300;
/// Choices after which a smaller set counts as not contradictory.
const MOST_CHOICES: u32 = 10_000;

/// A literal: number of the variable, and whether it has to be in.
type Small = (u32, bool);

/// The rules of a contradiction that are really needed for it.
pub(super) fn minimize(
    universe: &Universe<'_>,
    requests: &[Vec<PackageId>],
    rules: Vec<Rule>,
    may_be_in: impl Fn(PackageId) -> bool,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = rules
        .into_iter()
        .filter(|rule| !matches!(rule, Rule::Hopeless(_) | Rule::Asked(_)))
        .collect();
    if rules.len() > MOST_RULES {
        return rules;
    }
    let packages = universe.pool.len() as u32;
    let positive = |ids: &[PackageId]| -> Vec<Small> {
        let ids = ids.iter().filter(|id| may_be_in(**id));
        ids.map(|id| (id.0, true)).collect()
    };
    let mut clauses: Vec<Vec<Small>> = rules
        .iter()
        .map(|rule| match rule {
            Rule::Requires(id, requirement) => {
                let mut clause = positive(universe.providers.get(requirement.0 as usize));
                clause.push((id.0, false));
                clause
            }
            Rule::Owned(number) => {
                let owned = &universe.owned[*number as usize];
                let mut clause = positive(&owned.clause.positive);
                clause.push((owned.owner.0, false));
                let conditions = owned.clause.negative.iter();
                clause.extend(conditions.map(|condition| (packages + condition, false)));
                clause
            }
            Rule::Excludes(one, two) => vec![(one.0, false), (two.0, false)],
            Rule::Hopeless(id) => vec![(id.0, false)],
            Rule::Asked(number) => positive(&requests[*number as usize]),
        })
        .collect();
    let mut fixed: Vec<Vec<Small>> = requests.iter().map(|ids| positive(ids)).collect();
    // What conditions mean, for the packages that the rules speak of.
    let mut spoken: Vec<u32> = clauses.iter().flatten().map(|literal| literal.0).collect();
    spoken.sort_unstable();
    spoken.dedup();
    for id in spoken.into_iter().filter(|id| *id < packages) {
        for condition in universe.implied.get(id as usize) {
            fixed.push(vec![(id, false), (packages + condition, true)]);
        }
    }
    let mut at = 0;
    while at < clauses.len() {
        let clause = clauses.remove(at);
        let all: Vec<&Vec<Small>> = fixed.iter().chain(&clauses).collect();
        let mut choices = MOST_CHOICES;
        if contradicts(&all, &mut NumberMap::default(), &mut choices) {
            rules.remove(at);
        } else {
            clauses.insert(at, clause);
            at += 1;
        }
    }
    rules
}

/// True when no assignment meets all clauses. False when that is not clear after the choices left.
fn contradicts(
    clauses: &[&Vec<Small>],
    values: &mut NumberMap<u32, bool>,
    choices: &mut u32,
) -> bool {
    let branch = loop {
        let mut changed = false;
        let mut branch: Option<&Vec<Small>> = None;
        for clause in clauses {
            let mut open = None;
            let mut count = 0;
            let mut met = false;
            for (variable, holds) in *clause {
                match values.get(variable) {
                    Some(value) if value == holds => met = true,
                    Some(_) => {}
                    None => {
                        open = Some((*variable, *holds));
                        count += 1;
                    }
                }
            }
            match (met, open) {
                (true, _) => {}
                (false, None) => return true,
                (false, Some((variable, holds))) if count == 1 => {
                    values.insert(variable, holds);
                    changed = true;
                }
                (false, Some(_)) => branch = Some(clause),
            }
        }
        if !changed {
            break branch;
        }
    };
    let Some(clause) = branch else {
        return false;
    };
    let open = clause
        .iter()
        .find(|literal| !values.contains_key(&literal.0));
    let Some((variable, holds)) = open.copied() else {
        return false;
    };
    if *choices == 0 {
        return false;
    }
    *choices -= 1;
    [holds, !holds].into_iter().all(|value| {
        let mut tried = values.clone();
        tried.insert(variable, value);
        contradicts(clauses, &mut tried, choices)
    })
}
