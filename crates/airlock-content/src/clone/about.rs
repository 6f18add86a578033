//! The part of a plan that explains a name.

use std::collections::{HashMap, HashSet};

use airlock_model::{ErratumReason, PackageReason, Plan, PlannedChannel, PlannedChild};
use airlock_rpm::EvrRef;

/// Name, EVR and architecture of a NEVRA.
#[must_use]
pub fn split_nevra(nevra: &str) -> (&str, &str, &str) {
    let (rest, arch) = nevra.rsplit_once('.').unwrap_or((nevra, ""));
    let release = rest.rfind('-').unwrap_or(rest.len());
    let version = rest[..release].rfind('-').unwrap_or(release);
    let evr = rest.get(version + 1..).unwrap_or("");
    (&rest[..version], evr, arch)
}

/// Whether what a person typed names that package: NEVRA, without epoch or architecture, `name.arch`, or the name.
#[must_use]
pub fn names_package(typed: &str, nevra: &str) -> bool {
    let (name, evr, arch) = split_nevra(nevra);
    let without_epoch = evr.split_once(':').map_or(evr, |(_, rest)| rest);
    typed == nevra
        || typed == name
        || typed.strip_prefix(name).is_some_and(|rest| {
            let rest = match rest.strip_suffix(arch) {
                Some(rest) if rest.ends_with('.') => &rest[..rest.len() - 1],
                _ => rest,
            };
            match rest.strip_prefix('-') {
                Some(version) => version == evr || version == without_epoch,
                // Only the architecture was behind the name.
                None => rest.is_empty() && typed.len() > name.len(),
            }
        })
}

/// Whether what a person typed is that requirement: all of it, or what it asks for whatever the version.
#[must_use]
pub fn names_requirement(typed: &str, requires: &str) -> bool {
    typed == requires || Some(typed) == requires.split(' ').next()
}

/// Whether a package meets a requirement by its own name and version; what it provides besides is not looked at.
#[must_use]
pub fn meets_by_name(requires: &str, nevra: &str) -> bool {
    let (name, evr, _) = split_nevra(nevra);
    let mut words = requires.split_whitespace();
    if words.next() != Some(name) {
        return false;
    }
    let (Some(operator), Some(wanted)) = (words.next(), words.next()) else {
        return true;
    };
    let (Ok(own), Ok(wanted)) = (EvrRef::parse(evr), EvrRef::parse(wanted)) else {
        return false;
    };
    let order = own.compare_in_range(&wanted);
    match operator {
        "=" => order.is_eq(),
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        _ => false,
    }
}

/// A plan with only those entries that a name is in, and those that their chains of reasons lead to. The counts
/// that are no entries stay those of the whole plan.
#[must_use]
pub fn plan_about(plan: &Plan, typed: &str) -> Plan {
    let named = |nevra: &str| names_package(typed, nevra);
    let wanted = follow(plan, typed);
    let channels = plan.channels.iter().map(|channel| {
        let open = channel.open.iter().filter(|open| {
            named(&open.package)
                || names_requirement(typed, &open.requires)
                || open.providers.iter().any(|one| named(one))
        });
        let packages = channel.packages.iter();
        let errata = channel.errata.iter();
        let removals = channel.removals.iter();
        let removed = channel.errata_removed.iter();
        let by_hand = channel.by_hand.iter();
        let left_out = channel.left_out.iter();
        let broken = channel.broken.iter();
        let recommendations = channel.recommendations.iter();
        PlannedChannel {
            source: channel.source.clone(),
            destination: channel.destination.clone(),
            create: channel.create.clone(),
            errata_available: channel.errata_available,
            kept: channel.kept,
            errata: errata
                .filter(|one| wanted.contains(one.advisory.as_str()))
                .cloned()
                .collect(),
            packages: packages
                .filter(|one| wanted.contains(one.nevra.as_str()))
                .cloned()
                .collect(),
            removals: removals.filter(|one| named(&one.nevra)).cloned().collect(),
            errata_removed: removed.filter(|one| *one == typed).cloned().collect(),
            by_hand: by_hand.filter(|one| named(one)).cloned().collect(),
            left_out: left_out.filter(|one| named(one)).cloned().collect(),
            reaches: channel.reaches,
            open: open.cloned().collect(),
            broken: broken.filter(|one| named(&one.nevra)).cloned().collect(),
            recommendations: recommendations
                .filter(|one| named(&one.package) || one.providers.iter().any(|it| named(it)))
                .cloned()
                .collect(),
            files_change: channel.files_change,
            files: channel.files.clone(),
            naked: channel.naked,
        }
    });
    Plan {
        format: plan.format,
        request: plan.request.clone(),
        parents: plan.parents.clone(),
        channels: channels.collect(),
        unknown_errata: plan.unknown_errata.clone(),
        children: plan
            .children
            .iter()
            .map(|child| PlannedChild {
                channel: child.channel.clone(),
                broken: child
                    .broken
                    .iter()
                    .filter(|one| named(&one.nevra))
                    .cloned()
                    .collect(),
            })
            .filter(|child| !child.broken.is_empty())
            .collect(),
        digest: None,
    }
}

/// NEVRAs and advisories that the name is of, or that reasons of those lead to.
fn follow<'a>(plan: &'a Plan, typed: &str) -> HashSet<&'a str> {
    // Where a reason's words lead: packages and errata have no names in common.
    let mut leads: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut waiting: Vec<&str> = Vec::new();
    for channel in &plan.channels {
        for package in &channel.packages {
            let to = leads.entry(&package.nevra).or_default();
            match &package.reason {
                PackageReason::Needed {
                    by,
                    requires,
                    advisory,
                } => {
                    to.push(by);
                    to.extend(advisory.as_deref());
                    if names_requirement(typed, requires) || names_package(typed, by) {
                        waiting.push(&package.nevra);
                    }
                }
                PackageReason::Erratum { advisory }
                | PackageReason::WithErratum { advisory }
                | PackageReason::Revised { advisory }
                | PackageReason::Missing { advisory } => to.push(advisory),
                PackageReason::OriginalState | PackageReason::Recorded => {}
            }
            if names_package(typed, &package.nevra) {
                waiting.push(&package.nevra);
            }
        }
        for erratum in &channel.errata {
            let to = leads.entry(&erratum.advisory).or_default();
            if let ErratumReason::Needed { by, .. } = &erratum.reason {
                to.push(by);
            }
            if typed == erratum.advisory || typed == erratum.published_as {
                waiting.push(&erratum.advisory);
            }
        }
    }
    let mut found = HashSet::new();
    while let Some(next) = waiting.pop() {
        if found.insert(next) {
            waiting.extend(leads.get(next).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{meets_by_name, names_package, split_nevra};

    #[test]
    fn nevras_are_taken_apart() {
        for (nevra, parts) in [
            ("bash-5-1.el9.x86_64", ("bash", "5-1.el9", "x86_64")),
            ("lib-foo-1:2-1.noarch", ("lib-foo", "1:2-1", "noarch")),
            ("a.b", ("a", "", "b")),
            ("x", ("x", "", "")),
            ("", ("", "", "")),
            ("-", ("", "", "")),
        ] {
            assert_eq!(split_nevra(nevra), parts, "{nevra}");
        }
    }

    #[test]
    fn a_requirement_is_met_by_name_and_version() {
        let nevra = "lib-foo-1:2.0-3.el9.x86_64";
        for met in [
            "lib-foo",
            "lib-foo >= 2",
            "lib-foo = 1:2.0",
            "lib-foo < 1:2.0-4",
            "lib-foo > 9",
        ] {
            assert!(meets_by_name(met, nevra), "{met}");
        }
        for unmet in [
            "lib-foo < 2",
            "lib-foo = 2.1",
            "lib",
            "lib-foo ~ 2",
            "(lib-foo or x)",
        ] {
            assert!(!meets_by_name(unmet, nevra), "{unmet}");
        }
    }

    #[test]
    fn packages_have_many_names() {
        let nevra = "lib-foo-1:2.0-3.el9.x86_64";
        for typed in [
            "lib-foo",
            "lib-foo.x86_64",
            "lib-foo-1:2.0-3.el9",
            "lib-foo-2.0-3.el9",
            "lib-foo-2.0-3.el9.x86_64",
            nevra,
        ] {
            assert!(names_package(typed, nevra), "{typed}");
        }
        for typed in [
            "lib",
            "lib-foo-2.0",
            "lib-foo.i686",
            "lib-foo-2:2.0-3.el9",
            "lib-foo.",
            "",
            "lib-foox86_64",
        ] {
            assert!(!names_package(typed, nevra), "{typed}");
        }
    }
}
