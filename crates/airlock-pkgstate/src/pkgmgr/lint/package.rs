//! One package of a list.

use super::Findings;
use super::tree::{Around, misplaced, text};
use super::{attributes, instance};
use crate::pkgmgr::INSTALL_ONLY;
use crate::pkgmgr::list::{expand, is_split, split_file_name};
use crate::pkgmgr::native;
use crate::pkgmgr::words::boolean;
use crate::xml::Element;

pub(super) fn check(package: &Element, around: &Around, findings: &mut Findings<'_>) {
    let called = ["name", "file", "group"]
        .into_iter()
        .find_map(|name| package.attribute(name));
    findings.package = called.unwrap_or_default().chars().take(80).collect();
    attributes::of_package(package, around, findings);
    text(package, findings);
    let value = |name| around.value(package, name);
    let kind = value("type");
    // What the server could not bind has none.
    let has_failed = findings.bound && package.attribute("failure").is_some();
    if kind.is_none() && !has_failed {
        findings.error(
            package,
            "it has no type, here or around it; no driver of a client takes it. Add type='yum' or type='rpm'",
        );
    }
    named(package, kind, findings);
    let checked = value("pkg_checks").and_then(boolean) != Some(false);
    let instances: Vec<&Element> = package.all("Instance").collect();
    match instances.is_empty() {
        // What a set stands for is not known yet.
        true if findings.native && package.all(native::SET).next().is_some() => {}
        true => old_style(package, around, checked, findings),
        false => new_style(package, around, checked, &instances, findings),
    }
    for child in package.elements() {
        match child.name.as_str() {
            "Instance" => {}
            "Ignore" => ignore(child, findings),
            native::SET if findings.native => {}
            // A client writes it for an entry without instances.
            "Package" if findings.bound => {}
            _ => misplaced(child, package, &["Instance", "Ignore"], findings),
        }
    }
    findings.package.clear();
}

fn named(package: &Element, kind: Option<&str>, findings: &mut Findings<'_>) {
    let name = package.attribute("name").filter(|name| !name.is_empty());
    let file = package.attribute("file");
    let split = kind
        .filter(|kind| is_split(kind))
        .zip(file)
        .filter(|_| package.attribute("simplefile").is_none());
    if let Some((kind, file)) = split {
        match split_file_name(kind, file) {
            Some(parts) if name.is_some_and(|name| name != parts.name) => {
                let text = format!(
                    "the file is one of the package {}; it binds under that name, and under its own with nothing but the name",
                    parts.name
                );
                findings.warning(package, text);
            }
            Some(_) => {}
            None => findings.error(
                package,
                format!(
                    "the file name {file:?} cannot be taken apart (no ~, ^ or + in versions), so it binds with nothing but its name; write an Instance with simplefile instead"
                ),
            ),
        }
    } else if name.is_none() && package.attribute("group").is_none() {
        findings.error(package, "the attribute name is missing");
    }
    for list in ["multiarch", "srcs"] {
        if package
            .attribute(list)
            .is_some_and(|text| text.contains(','))
        {
            findings.error(
                package,
                format!(
                    "{list}: between its words stand blanks; a comma becomes a part of the URL"
                ),
            );
        }
    }
    if let (Some(file), Some(archs)) = (file, package.attribute("multiarch"))
        && expand(file, archs, package.attribute("srcs")).is_none()
    {
        let text = "multiarch, srcs and the % in the file name do not fit each other; give as many srcs as multiarch, and write % as %%";
        findings.error(package, text);
    }
    if let Some(name) = name
        && name.contains(char::is_whitespace)
    {
        findings.error(package, "a blank in its name; no package has that");
    }
}

/// Without instances: what the client needs stands on the package itself.
fn old_style(package: &Element, around: &Around, checked: bool, findings: &mut Findings<'_>) {
    let value = |name| around.value(package, name);
    if value("type") != Some("rpm") {
        return;
    }
    // A version comes out of the file name too.
    let has_file = value("file").is_some();
    match value("version") {
        None if checked && !has_file => findings.error(
            package,
            "it has neither a version nor an Instance; RPMng cannot verify it. Add version='VERSION-RELEASE' or an Instance, or pkg_checks='false'",
        ),
        Some("auto") => findings.warning(
            package,
            "RPMng knows no version='auto': the package is always bad; use type='yum', or version='any'",
        ),
        Some(version) if version != "any" && version.matches('-').count() != 1 => findings.error(
            package,
            format!("version={version:?} is not VERSION-RELEASE with one - between"),
        ),
        _ => {}
    }
    if value("uri").is_none()
        && value("url").is_none()
        && (has_file || value("simplefile").is_some())
    {
        findings.error(
            package,
            "there is no uri, here or around it; RPMng cannot install the file",
        );
    }
}

fn new_style(
    package: &Element,
    around: &Around,
    checked: bool,
    instances: &[&Element],
    findings: &mut Findings<'_>,
) {
    let value = |name| around.value(package, name);
    let name = package.attribute("name").unwrap_or_default();
    let kind = value("type");
    for old in ["version", "release", "epoch", "arch", "file", "simplefile"] {
        if package.attribute(old).is_some() {
            findings.warning(
                package,
                format!("{old} counts only without Instance; take it out"),
            );
        }
    }
    if kind == Some("rpm") && value("uri").is_none() {
        let has_file = instances
            .iter()
            .any(|one| one.attribute("simplefile").is_some());
        let text = "there is no uri, here or around it; RPMng cannot install its instances";
        match has_file {
            true => findings.error(package, text),
            false => findings.warning(package, text),
        }
    }
    let inner = around.within(package);
    for (number, instance) in instances.iter().enumerate() {
        instance::check(instance, name, kind, checked, &inner, findings);
        let before = &instances[..number];
        let same = |one: &Element, names: &[&str]| {
            let equal = |name: &&str| one.attribute(name) == instance.attribute(name);
            names.iter().all(equal)
        };
        let evra = ["epoch", "version", "release", "arch"];
        if before.iter().any(|one| same(one, &evra)) {
            findings.warning(instance, "the same instance stands here before");
        } else if !INSTALL_ONLY.contains(&name) && before.iter().any(|one| same(one, &["arch"])) {
            let arch = instance.attribute("arch").unwrap_or("no");
            findings.warning(
                instance,
                format!(
                    "a second instance for {arch}: {name} is no installonly package by default, so the two would replace each other"
                ),
            );
        }
    }
}

pub(super) fn ignore(element: &Element, findings: &mut Findings<'_>) {
    match element.attribute("name") {
        None | Some("") => findings.error(element, "the attribute name is missing"),
        Some(name) if !name.starts_with('/') => findings.error(
            element,
            "it names no path; paths start with / and are compared exactly",
        ),
        Some(name) if name.contains(['*', '?']) || (name.len() > 1 && name.ends_with('/')) => {
            findings.warning(
                element,
                "paths are compared exactly: there are no patterns, and a folder does not stand for what is in it",
            );
        }
        Some(_) => {}
    }
}
