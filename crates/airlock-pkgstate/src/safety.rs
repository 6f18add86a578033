//! What is never done, and what is done only by force.

use std::collections::BTreeSet;
use std::fmt;

use crate::declared::Configuration;
use crate::run::action::{Action, ActionKind};

/// What needs force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Do it all the same.
    pub force: bool,
    /// Removals of one run.
    pub max_remove: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            force: false,
            max_remove: 20,
        }
    }
}

/// What must stay on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protected {
    /// Names of packages, each with the reason.
    pub names: Vec<(String, String)>,
    /// The running kernel, `VERSION-RELEASE.ARCH` as `uname -r` says it.
    pub kernel: Option<String>,
}

/// Something that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Never.
    Protected {
        /// The package.
        package: String,
        /// Why it stays.
        why: String,
    },
    /// Nothing is declared, so that everything would be extra.
    NothingDeclared,
    /// More removals than allowed.
    TooMany {
        /// How many there would be.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// A package that the system stands on would go back a major version.
    Downgrade {
        /// What is there.
        have: String,
        /// What is declared.
        want: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protected { package, why } => write!(
                to,
                "refused: {package} would be removed, and {why}; declare it (not even --force removes it)"
            ),
            Self::NothingDeclared => to.write_str(
                "refused: no package is declared, so that everything would be extra; give entries, or --force",
            ),
            Self::TooMany { count, limit } => write!(
                to,
                "refused: {count} packages would be removed, more than {limit}; look at the plan, then raise --max-remove or give --force"
            ),
            Self::Downgrade { have, want } => write!(
                to,
                "refused: {have} would go back to {want}, across a major version; give --force if that is meant"
            ),
        }
    }
}

/// Checks actions. Nothing at all is done while there is a refusal.
pub fn check(
    actions: &[Action],
    configuration: &Configuration,
    limits: &Limits,
    protected: &Protected,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let removals: Vec<&Action> = actions
        .iter()
        .filter(|action| action.is_removal() && !action.is_key())
        .collect();
    for action in &removals {
        if let Some(why) = keeps(action, protected) {
            refusals.push(Refusal::Protected {
                package: action.spec(),
                why,
            });
        }
    }
    if limits.force {
        return refusals;
    }
    let declared = configuration
        .entries
        .iter()
        .any(|entry| entry.tag() == "Package");
    if !declared && actions.iter().any(Action::is_removal) {
        refusals.push(Refusal::NothingDeclared);
    }
    let count = actions
        .iter()
        .filter(|action| action.is_removal())
        .map(Action::spec)
        .collect::<BTreeSet<_>>()
        .len();
    if count > limits.max_remove {
        refusals.push(Refusal::TooMany {
            count,
            limit: limits.max_remove,
        });
    }
    for action in actions
        .iter()
        .filter(|action| action.kind == ActionKind::Downgrade)
    {
        let vital = action.name == "glibc" || action.name == "systemd";
        if let (true, Some(have)) = (vital, &action.have)
            && major(have, &action.name) != major(&action.spec(), &action.name)
        {
            refusals.push(Refusal::Downgrade {
                have: have.clone(),
                want: action.spec(),
            });
        }
    }
    refusals
}

fn keeps(action: &Action, protected: &Protected) -> Option<String> {
    let mut names = protected.names.iter();
    if let Some((_, why)) = names.find(|(name, _)| *name == action.name) {
        return Some(why.clone());
    }
    let kernel = protected.kernel.as_deref()?;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (version, release) = (part(&action.version), part(&action.release));
    let named = format!("{version}-{release}.{}", part(&action.arch));
    let short = format!("{version}-{release}");
    let is_kernel = action.name == "kernel"
        || action.name.starts_with("kernel-")
        || action.name.starts_with("kernel_");
    // uname says V-R.A on EL and Fedora, V-R-FLAVOUR on SUSE.
    let running = kernel == named
        || kernel == short
        || kernel
            .strip_prefix(&short)
            .is_some_and(|rest| rest.starts_with(['-', '.', '+']));
    (is_kernel && running).then(|| format!("kernel {kernel} is running"))
}

/// The first number of a version: `2` of `glibc-2.28-101.x86_64`; glibc counts its second one, `28`.
fn major(spec: &str, name: &str) -> String {
    let version = spec
        .strip_prefix(name)
        .unwrap_or(spec)
        .trim_start_matches('-');
    let version = version
        .split_once(':')
        .map_or(version, |(_, version)| version);
    let mut numbers = version.split(|character: char| !character.is_ascii_digit());
    let first = numbers.next().unwrap_or_default();
    match name {
        "glibc" => format!("{first}.{}", numbers.next().unwrap_or_default()),
        _ => first.to_owned(),
    }
}
