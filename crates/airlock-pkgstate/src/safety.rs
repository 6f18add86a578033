//! What is never done, and what is done only by force.

use std::collections::BTreeSet;
use std::fmt;

use crate::decide::lists;
use crate::declared::Configuration;
use crate::inventory::{Installed, Inventory};
use crate::run::action::{Action, ActionKind};
use crate::settings::Driver;

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
    /// Packages that own the image or the modules of the running kernel, whatever they are called.
    pub packages: Vec<Installed>,
    /// The running kernel, `VERSION-RELEASE.ARCH` as `uname -r` says it.
    pub kernel: Option<String>,
}

impl Protected {
    /// The name is one that must stay; patterns count.
    pub fn names_it(&self, wanted: &str) -> bool {
        self.why(wanted).is_some()
    }

    fn why(&self, wanted: &str) -> Option<&str> {
        let mut names = self.names.iter();
        let named = |name: &str| name == wanted || lists::glob(name, wanted);
        let found = names.find(|(name, _)| named(name));
        found.map(|(_, why)| why.as_str())
    }
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
    /// A group of packages is declared, and which packages are in it is not known.
    Group {
        /// Its entry.
        entry: String,
    },
    /// More removals than allowed.
    TooMany {
        /// How many there would be.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// A program could take it for something else than it is.
    Argument {
        /// What, of which entry.
        why: String,
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
                "refused: no package is declared for this driver (the list is empty, or its entries are of other drivers), and everything would be extra; give entries, or --force",
            ),
            Self::Group { entry } => write!(
                to,
                "refused: {entry} declares packages that are not known here, and undeclared ones would be removed; declare them one by one, or give --force"
            ),
            Self::TooMany { count, limit } => write!(
                to,
                "refused: {count} packages would be removed, more than {limit}; look at the plan, then raise --max-remove or give --force"
            ),
            Self::Argument { why } => write!(to, "refused: {why}"),
            Self::Downgrade { have, want } => write!(
                to,
                "refused: {have} would go back to {want}, across a major version; give --force if that is meant"
            ),
        }
    }
}

/// Checks actions. Nothing at all is done while there is a refusal. `changes`: this run may change something.
pub fn check(
    actions: &[Action],
    configuration: &Configuration,
    driver: Driver,
    inventory: &Inventory,
    limits: &Limits,
    protected: &Protected,
    changes: bool,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for action in actions {
        if let Some(why) = action.unfit_argument() {
            refusals.push(Refusal::Argument { why });
        }
    }
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
    for action in actions.iter().filter(|action| comes_in(action)) {
        for have in replaced(action, inventory) {
            if let Some(why) = runs_until_replaced(action, have, protected) {
                refusals.push(Refusal::Protected {
                    package: have.spec(),
                    why: format!("{why}; put {} into installonlypackages", action.name),
                });
            }
        }
    }
    if limits.force {
        return refusals;
    }
    // Entries of other drivers leave everything that this one looks after undeclared.
    let declared = configuration
        .entries
        .iter()
        .any(|entry| entry.is_package(driver.handles()));
    if !declared && (changes || actions.iter().any(Action::is_removal)) {
        refusals.push(Refusal::NothingDeclared);
    }
    if let Some(group) = configuration.unknown_group(driver.handles())
        && actions
            .iter()
            .any(|action| action.kind == ActionKind::Remove)
    {
        refusals.push(Refusal::Group {
            entry: group.label(),
        });
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
    for action in actions.iter().filter(|action| comes_in(action)) {
        if let Some(have) = goes_back(action, inventory) {
            refusals.push(Refusal::Downgrade {
                have,
                want: action.spec(),
            });
        }
    }
    refusals
}

fn comes_in(action: &Action) -> bool {
    !action.is_removal() && !action.is_key()
}

/// Installed packages in whose place another version comes.
fn replaced<'i>(action: &Action, inventory: &'i Inventory) -> Vec<&'i Installed> {
    let fits = |part: &Option<String>, have: Option<&str>| {
        part.as_deref().is_none_or(|wanted| Some(wanted) == have)
    };
    let mut all = inventory.named(&action.name);
    all.retain(|have| {
        fits(&action.arch, have.arch.as_deref())
            && !(fits(&action.version, Some(&have.version))
                && fits(&action.release, Some(&have.release)))
    });
    all
}

/// What is installed of glibc or systemd and has a higher major version than what would come.
fn goes_back(action: &Action, inventory: &Inventory) -> Option<String> {
    let name = action.name.as_str();
    if !matches!(name, "glibc" | "systemd") {
        return None;
    }
    let wanted = major(&action.spec(), name);
    let have = replaced(action, inventory)
        .into_iter()
        .find(|have| action.version.is_some() && wanted < major(&have.spec(), name))?;
    Some(have.spec())
}

fn keeps(action: &Action, protected: &Protected) -> Option<String> {
    if let Some(why) = protected.why(&action.name) {
        return Some(why.to_owned());
    }
    let owns = protected.packages.iter().any(|package| {
        let Installed {
            name,
            epoch,
            version,
            release,
            arch,
            ..
        } = package;
        let epoch = epoch.unwrap_or(0).to_string();
        action.name == *name
            && action.epoch.as_deref().unwrap_or("0") == epoch
            && action.version.as_ref() == Some(version)
            && action.release.as_ref() == Some(release)
            && (action.arch.is_none() || action.arch == *arch)
    });
    runs(&action.name, &action.spec(), protected).or(owns.then(|| owns_kernel(protected)))
}

/// Why what is installed must not go when another version comes in its place. rpm --upgrade takes every other version away;
/// package managers put what they know as kernels beside each other, and then nothing is upgraded.
fn runs_until_replaced(action: &Action, have: &Installed, protected: &Protected) -> Option<String> {
    if action.side_by_side {
        return None;
    }
    let owns = || {
        protected
            .packages
            .contains(have)
            .then(|| owns_kernel(protected))
    };
    match (&action.source, action.kind) {
        (Some(_), _) => runs(&action.name, &have.spec(), protected).or_else(owns),
        (None, ActionKind::Upgrade | ActionKind::Downgrade) => owns(),
        (None, _) => None,
    }
}

fn owns_kernel(protected: &Protected) -> String {
    let kernel = protected.kernel.as_deref().unwrap_or_default();
    format!("files of the kernel that is running, {kernel}, belong to it")
}

/// What is built with a kernel and is not what runs.
const BESIDE: [&str; 12] = [
    "-headers",
    "-devel",
    "-doc",
    "-docs",
    "-tools",
    "-tools-libs",
    "-firmware",
    "-macros",
    "-source",
    "-syms",
    "-debuginfo",
    "-whitelists",
];

/// Whether a package, by its name and `NAME-[EPOCH:]VERSION-RELEASE[.ARCH]`, is the kernel that runs.
fn runs(name: &str, spec: &str, protected: &Protected) -> Option<String> {
    let kernel = protected.kernel.as_deref()?;
    if !(name == "kernel" || name.starts_with("kernel-"))
        || BESIDE.iter().any(|end| name.ends_with(end))
    {
        return None;
    }
    let version = spec.strip_prefix(name)?.strip_prefix('-')?;
    let version = version
        .split_once(':')
        .map_or(version, |(_, version)| version);
    let short = version.rsplit_once('.').map_or(version, |(short, _)| short);
    let flavour = name.strip_prefix("kernel-").unwrap_or_default();
    // uname says V-R.A on EL and Fedora, V-RFLAVOUR on EL 4 and 5, V-R-FLAVOUR on SUSE, whose releases have one more number
    // than uname: how often the package was rebuilt.
    let says = |short: &str| {
        kernel.strip_prefix(short).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(['-', '.', '+'])
                || (!flavour.is_empty() && rest == flavour)
        })
    };
    let rebuilt = || {
        let (before, number) = short.rsplit_once('.')?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let (_, release) = before.split_once('-')?;
        let rest = kernel.strip_prefix(before)?;
        Some(is_number && !release.is_empty() && rest.starts_with('-'))
    };
    let running = kernel == version || says(short) || rebuilt() == Some(true);
    running.then(|| format!("kernel {kernel} is running"))
}

/// The first number of a version: `252` of `systemd-252-1.x86_64`; glibc counts its second one too, `2.28`.
fn major(spec: &str, name: &str) -> (u32, u32) {
    let version = spec
        .strip_prefix(name)
        .unwrap_or(spec)
        .trim_start_matches('-');
    let version = version
        .split_once(':')
        .map_or(version, |(_, version)| version);
    let mut numbers = version
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let first = numbers.next().unwrap_or(0);
    match name {
        "glibc" => (first, numbers.next().unwrap_or(0)),
        _ => (first, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(kernel: &str) -> Protected {
        Protected {
            names: Vec::new(),
            packages: Vec::new(),
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
                "5.14.21-150400.24.46-default",
                "kernel-default",
                "kernel-default-5.14.21-150400.24.46.1.x86_64",
                true,
            ),
            (
                "5.14.21-150400.24.46-default",
                "kernel-default",
                "kernel-default-5.14.21-150400.24.41.1.x86_64",
                false,
            ),
            (
                "2.6.9-42.0.8.ELsmp",
                "kernel-smp",
                "kernel-smp-2.6.9-42.0.8.EL.x86_64",
                true,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernelshark",
                "kernelshark-5.14.0-1.el9.x86_64",
                false,
            ),
            (
                "5.14.0-1.el9.x86_64",
                "kernel-headers",
                "kernel-headers-5.14.0-1.el9.x86_64",
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
        assert_eq!(major("glibc-2.28-101.el8.x86_64", "glibc"), (2, 28));
        assert_eq!(major("systemd-0:252-1.noarch", "systemd"), (252, 0));
        assert!(major("glibc-2.9-1", "glibc") < major("glibc-2.17-1", "glibc"));
    }
}
