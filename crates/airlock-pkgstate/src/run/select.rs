//! Which bad entries are put right, and which extra packages go.

use super::{Operator, Remove, Session};
use crate::decide::{extra, prompt};
use crate::declared::Structure;
use crate::settings::DecisionMode;

impl Session<'_> {
    /// Applies the list of decisions, the choice of bundles, dry run, and the operator's answers.
    pub fn select(&mut self, operator: &mut dyn Operator) {
        let bad: Vec<usize> = (0..self.now.len())
            .filter(|at| self.now.get(*at).is_some_and(|examined| !examined.good))
            .filter(|at| self.options.foreign || self.is_ours(*at))
            .collect();
        let mut chosen: Vec<usize> = Vec::new();
        for at in &bad {
            let Some(entry) = self.entry(*at) else {
                continue;
            };
            if !self.options.decisions.allows(entry.tag(), entry.name()) {
                let mode = self.options.decisions.mode;
                let word = match mode {
                    DecisionMode::Whitelist => "not on the whitelist",
                    _ => "on the blacklist",
                };
                self.notes
                    .push(format!("{} is left alone: {word}", entry.label()));
            } else if self.in_chosen_bundle(*at) && !self.contradictions.contains_key(entry.name())
            {
                chosen.push(*at);
            }
        }
        let mut removal = match self.options.remove {
            Remove::Nothing => Vec::new(),
            Remove::Packages | Remove::CapitalPackages => self.extra.clone(),
        };
        let unknown = self.configuration.unknown_group(self.driver.handles());
        if let (Some(group), false, false) =
            (unknown, removal.is_empty(), self.options.limits.force)
        {
            self.notes.push(format!(
                "no package is removed: {} declares packages that are not known here; declare them one by one, or give --force",
                group.label()
            ));
            removal.clear();
        }
        if !removal.is_empty() {
            let providers = extra::providers(self.configuration, &self.context(false));
            removal.retain(|package| match providers.get(&package.name) {
                Some(what) => {
                    let name = &package.name;
                    self.notes.push(format!(
                        "{name} stays: it is what provides {what}, which is declared; declare {name} itself"
                    ));
                    false
                }
                None => true,
            });
        }
        let asked = self
            .options
            .bundles
            .iter()
            .chain(&self.options.skip_bundles);
        for name in asked {
            let mut structures = self.configuration.structures.iter();
            let known = |one: &Structure| one.tag == "Bundle" && one.name.as_ref() == Some(name);
            if !structures.any(known) {
                self.notes.push(format!("there is no bundle {name}"));
            }
        }
        if self.options.dry_run {
            chosen.clear();
            removal.clear();
        }
        if self.options.interactive {
            self.ask(&mut chosen, operator);
            let mut asked = Vec::new();
            removal.sort_by(|one, other| one.name.cmp(&other.name));
            let mut open = true;
            for package in removal {
                if !open {
                    break;
                }
                let question = prompt::remove(&package.name);
                self.prompts.push(question.clone());
                match operator.ask(&question) {
                    Some(answer) if prompt::is_yes(&answer) => asked.push(package),
                    Some(_) => {}
                    None => open = false,
                }
            }
            removal = asked;
        }
        // The old client's lists held installations only.
        let decisions = &self.options.decisions;
        let names = removal.iter().map(|package| package.name.as_str());
        let against: Vec<&str> = names
            .filter(|name| !decisions.allows("Package", name))
            .collect();
        if !against.is_empty() {
            let more = match against.len() {
                0..=3 => String::new(),
                count => format!(" and {} more", count - 3),
            };
            let names: Vec<&str> = against.into_iter().take(3).collect();
            self.notes.push(format!(
                "{}{more} would not be touched by the {}, and go: lists of decisions hold no removals of -r",
                names.join(", "),
                decisions.mode.word()
            ));
        }
        self.left = bad.into_iter().filter(|at| !chosen.contains(at)).collect();
        self.to_install = chosen;
        self.to_remove = removal;
    }

    fn ask(&mut self, chosen: &mut Vec<usize>, operator: &mut dyn Operator) {
        let key = |at: &usize| {
            self.configuration
                .entries
                .get(*at)
                .map(|entry| (entry.tag().to_owned(), entry.name().to_owned()))
        };
        chosen.sort_by_key(key);
        let mut accepted = Vec::new();
        for at in chosen.iter() {
            let Some(entry) = self.entry(*at) else {
                continue;
            };
            let question = prompt::install(entry, self.now.get(*at), self.options.form);
            self.prompts.push(question.clone());
            match operator.ask(&question) {
                Some(answer) if prompt::is_yes(&answer) => accepted.push(*at),
                Some(_) => {}
                None => break,
            }
        }
        *chosen = accepted;
    }

    /// The driver looks after this entry.
    pub fn is_ours(&self, at: usize) -> bool {
        self.entry(at)
            .is_some_and(|entry| entry.is_package(self.driver.handles()))
    }

    fn in_chosen_bundle(&self, at: usize) -> bool {
        let structure = self
            .entry(at)
            .and_then(|entry| self.configuration.structures.get(entry.structure));
        let Some(structure) = structure else {
            return true;
        };
        let name = structure.name.as_deref().unwrap_or_default();
        let bundle = structure.tag == "Bundle";
        let options = self.options;
        let asked_for = bundle && options.bundles.iter().any(|one| one == name);
        if !options.bundles.is_empty() && !asked_for {
            return false;
        }
        if bundle && options.skip_bundles.iter().any(|one| one == name) {
            return false;
        }
        match options.independent {
            Some(true) => !bundle,
            Some(false) => bundle,
            None => true,
        }
    }
}
