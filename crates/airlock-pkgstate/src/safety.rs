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
                "refused: {package} would be removed, and {why} (not even --force removes it)"
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
    // rpm --upgrade takes the old version away; package managers put kernels beside each other by themselves.
    for action in actions.iter().filter(|action| {
        matches!(action.kind, ActionKind::Upgrade | ActionKind::Downgrade)
            && action.source.is_some()
            && !action.side_by_side
    }) {
        if let Some(have) = &action.have
            && let Some(why) = runs(&action.name, have, protected)
        {
            refusals.push(Refusal::Protected {
                package: have.clone(),
                why: format!("{why}; put {} into installonlypackages", action.name),
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
    runs(&action.name, &action.spec(), protected)
}

/// Whether a package, by its name and `NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`, is the kernel that runs.
fn runs(name: &str, spec: &str, protected: &Protected) -> Option<String> {
    let kernel = protected.kernel.as_deref()?;
    if !(name == "kernel" || name.starts_with("kernel-")) {
        return None;
    }
    let version = spec.strip_prefix(name)?.strip_prefix('-')?;
    let version = version
        .split_once(':')
        .map_or(version, |(_, version)| version);
    let short = version.rsplit_once('.').map_or(version, |(short, _)| short);
    // uname says V-R.A on EL and Fedora, V-R-FLAVOUR on SUSE.
    let running = kernel == version
        || kernel == short
        || kernel
            .strip_prefix(short)
            .is_some_and(|rest| rest.starts_with(['-', '.', '+']));
    running.then(|| format!("kernel {kernel} is running"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(kernel: &str) -> Protected {
        Protected {
            names: Vec::new(),
            kernel: Some(kernel.to_owned()),
        }
    }

    #[test]
    fn the_running_kernel_is_known_by_what_uname_says_on_each_distribution() {
        for (kernel, name, spec, expected) in [
            (
                "5.14.0-1.el9.x86_64",
                "kernel",
                "kernel-5.14.0-1.el9.x86_64",
                true,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernel-core",
                "kernel-core-0:5.14.0-1.el9.x86_64",
                true,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernel",
                "kernel-5.14.0-2.el9.x86_64",
                false,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernel",
                "kernel-5.14.0-1.el9.aarch64",
                true,
            ),
            (
                "5.14.21-150.1-default",
                "kernel-default",
                "kernel-default-5.14.21-150.1.x86_64",
                true,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernelshark",
                "kernelshark-5.14.0-1.el9.x86_64",
                false,
            ),
            (
                "5.14.0-11.el9.x86_64",
                "kernel",
                "kernel-5.14.0-1.el9.x86_64",
                false,
            ),
        ] {
            let found = runs(name, spec, &protected(kernel)).is_some();
            assert_eq!(found, expected, "{kernel} {spec}");
        }
    }

    #[test]
    fn glibc_counts_its_second_number() {
        assert_eq!(major("glibc-2.28-101.el8.x86_64", "glibc"), "2.28");
        assert_eq!(major("systemd-0:252-1.noarch", "systemd"), "252");
    }
}
