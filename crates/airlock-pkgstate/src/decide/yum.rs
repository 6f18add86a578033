//! YUMng: declared instances against the package database by the attributes that they give, files as yum verifies them.

use super::extra::ExtraPackage;
use super::{
    Checker, Code, Context, Difference, Examined, InstanceStatus, Omit, Verdict, fix, is_newer,
};
use crate::declared::{Entry, Instance};
use crate::evra::{Evra, Part};
use crate::inventory::{Installed, KEY};
use crate::settings::{Release, words};
use crate::xml::Element;

/// Examines one package entry.
pub fn examine(entry: &Entry, context: &Context<'_>, checker: &mut dyn Checker) -> Examined {
    let name = entry.name();
    let settings = context.settings;
    let mut examined = Examined::default();
    let instances = instances(entry, context, checker, &mut examined);
    let word = |name: &str| {
        entry
            .attribute(name)
            .is_none_or(|word| word.trim().eq_ignore_ascii_case("true"))
    };
    let checks = settings.pkg_checks && word("pkg_checks");
    let key = name == KEY;
    let verify = settings.pkg_verify && word("pkg_verify") && !key;
    let group = entry.packages.is_some();
    let mut installed = context.inventory.named(name);
    let mut capability = false;
    if installed.is_empty() && !group {
        installed = context.inventory.providing(name);
        capability = !installed.is_empty();
        if capability {
            let by: Vec<String> = installed.iter().map(|one| one.spec()).collect();
            examined
                .notes
                .push(format!("{name} is provided by {}", by.join(", ")));
        }
    }
    let mut side_by_side = is_installonly(context, &installed);
    let mut good = true;
    let mut codes = Vec::new();
    let mut repairs = Vec::new();
    let mut seen: Vec<(String, Wanted)> = Vec::new();
    let own_archs: Vec<(String, String)> = instances
        .iter()
        .filter_map(|instance| {
            let package = entry.package_of(instance).to_owned();
            Some((package, Wanted::of(instance).arch?))
        })
        .collect();
    let mut statuses = Vec::new();
    for instance in instances {
        let wanted = Wanted::of(&instance);
        let package = entry.package_of(&instance).to_owned();
        if seen
            .iter()
            .any(|(name, one)| *name == package && *one == wanted)
        {
            continue;
        }
        seen.push((package.clone(), wanted.clone()));
        if group {
            installed = context.inventory.named(&package);
            side_by_side = is_installonly(context, &installed);
        }
        let shown = |evra: Evra| match group {
            true => of_group(&package, evra),
            false => evra,
        };
        note_actions(&instance, &mut examined);
        let mut status = InstanceStatus::new(instance);
        status.installed = Some(true);
        status.version_fail = Some(false);
        status.verify_fail = Some(false);
        status.verdicts = Some(Vec::new());
        let here: Vec<&Installed> = installed
            .iter()
            .filter(|package| wanted.arch.is_none() || arch(package) == wanted.arch.as_deref())
            .copied()
            .collect();
        if here.is_empty() {
            examined.absent = true;
            status.installed = Some(false);
            good = false;
            codes.push(Code::Install(shown(status.instance.evra())));
            statuses.push(status);
            continue;
        }
        if !checks {
            statuses.push(status);
            continue;
        }
        if key && (wanted.version.is_none() || wanted.release.is_none()) {
            examined
                .notes
                .push(format!("{name} without version and release is not checked"));
            statuses.push(status);
            continue;
        }
        let found: Vec<&Installed> = match capability {
            // Since 1.3 the version of what is provided counts.
            true if settings.release >= Release::V1_3 => installed
                .iter()
                .filter(|package| wanted.is_provided(name, package))
                .copied()
                .collect(),
            true => installed.clone(),
            false => installed
                .iter()
                .filter(|package| wanted.fits(package))
                .copied()
                .collect(),
        };
        let Some(first) = found.first() else {
            good = false;
            status.version_fail = Some(true);
            if let Some(have) = installed.first() {
                examined.current_version = Some(format!(
                    "{}-{}.{}",
                    have.version,
                    have.release,
                    have.arch.as_deref().unwrap_or("None")
                ));
            }
            examined.version = Some(wanted.shown());
            let have = here.first().map(|have| (*have).clone());
            if side_by_side {
                // It comes beside what is there.
                codes.push(Code::Install(shown(status.instance.evra())));
            } else if let Some(have) = &have {
                codes.push(Code::Upgrade {
                    have: shown(have.evra()),
                    want: shown(status.instance.evra()),
                });
            }
            status.have = have;
            status.beside = side_by_side;
            statuses.push(status);
            continue;
        };
        status.matched = found.iter().map(|package| package.number).collect();
        // An upgrade of one architecture alone leaves the others behind, and an instance without one is meant for all.
        let left_behind = |have: &&&Installed| {
            let is_own = |(name, own): &(String, String)| {
                *name == package && arch(have) == Some(own.as_str())
            };
            let has_twin = |one: &&Installed| one.arch == have.arch;
            !own_archs.iter().any(is_own) && !found.iter().any(has_twin)
        };
        if wanted.arch.is_none()
            && !(settings.legacy_quirks || capability || key || side_by_side)
            && let Some(have) = here.iter().find(left_behind)
        {
            good = false;
            status.version_fail = Some(true);
            status.have = Some((*have).clone());
            codes.push(Code::Upgrade {
                have: shown(have.evra()),
                want: shown(status.instance.evra()),
            });
            examined.version = Some(wanted.shown());
            statuses.push(status);
            continue;
        }
        let own = status.instance.attribute("pkg_verify");
        let own = own.is_none_or(|word| word.trim().eq_ignore_ascii_case("true"));
        if context.quick || !(verify && own) {
            statuses.push(status);
            continue;
        }
        match self::verify(entry, &status.instance, first, context, checker) {
            Ok(verdict) => {
                if !verdict.is_clean() {
                    good = false;
                    status.verify_fail = Some(true);
                    status.verdicts = Some(vec![verdict]);
                    let config =
                        !settings.legacy_quirks && fix::only_config(entry, &status, context);
                    repairs.push(match config {
                        true => Code::Config(shown(status.instance.evra())),
                        false => Code::Reinstall(shown(status.instance.evra())),
                    });
                }
            }
            Err(why) => {
                good = false;
                examined.notes.insert(0, format!("{}: {why}", first.spec()));
            }
        }
        statuses.push(status);
    }
    codes.append(&mut repairs);
    let extra = match group || capability || (side_by_side && !context.kevlar) {
        true => Vec::new(),
        false => {
            let mut extra = extra(&statuses, &installed, settings.legacy_quirks);
            extra.retain(|package| !context.declares_key(package));
            extra
        }
    };
    if !extra.is_empty() {
        good = false;
        // What is replaced by another version is not removed besides.
        codes.extend(
            extra
                .iter()
                .filter(|package| !is_replaced(&statuses, package))
                .map(|package| Code::Delete(ExtraPackage::evra(package))),
        );
        examined.extra = Some(ExtraPackage {
            name: name.to_owned(),
            driver: context.driver,
            instances: extra,
        });
    }
    examined.good = good;
    // The old YUMng asked the same question about everything.
    if !good && !settings.legacy_quirks && !codes.is_empty() {
        examined.none_installed = match group {
            true => statuses.iter().all(|one| one.installed == Some(false)),
            false => installed.is_empty(),
        };
        examined.codes = Some(codes);
    }
    examined.instances = statuses;
    examined
}

/// An installed package in whose place another version comes. An instance that names no architecture is meant for all that
/// are installed.
pub fn is_replaced(statuses: &[InstanceStatus], package: &Installed) -> bool {
    statuses.iter().any(|status| {
        status.version_fail == Some(true)
            && status.have.as_ref().is_some_and(|have| {
                have.number == package.number || Wanted::of(&status.instance).arch.is_none()
            })
    })
}

/// Instances of YUMng have no actions of their own; who writes one should hear that it does nothing.
fn note_actions(instance: &Instance, examined: &mut Examined) {
    if instance.is_old_style() {
        return;
    }
    let names = [
        "installed_action",
        "install_action",
        "version_fail_action",
        "verify_fail_action",
        "install_missing",
        "fix_version",
        "reinstall_broken",
    ];
    for name in names {
        if instance.attribute(name).is_some() {
            examined.notes.push(format!(
                "{name} of an instance does nothing in YUMng; set it in the section of the driver"
            ));
        }
    }
}

/// Keys have no architecture; yum says noarch of them.
fn arch(package: &Installed) -> Option<&str> {
    package.arch.as_deref().or(Some("noarch"))
}

/// The instances of an entry. `auto` becomes the newest version of each installed architecture, one without instances is its
/// own.
fn instances(
    entry: &Entry,
    context: &Context<'_>,
    checker: &mut dyn Checker,
    examined: &mut Examined,
) -> Vec<Instance> {
    if let Some(packages) = &entry.packages {
        return of_packages(entry, packages, context, checker, examined);
    }
    let mut written = entry.instances();
    if entry.attribute("version") == Some("auto") {
        let installed = context.inventory.named(entry.name());
        if installed.is_empty() {
            examined.version = Some("any".into());
            let mut instance = Instance::of_old_style(entry);
            instance.element.set("version", "any");
            if written.is_empty() {
                return vec![instance];
            }
            return written;
        }
        let newest = checker.newest(entry.name());
        if newest.is_none() {
            examined.notes.push(not_asked(entry));
        }
        let newest = newest.unwrap_or_default();
        written.extend(auto(entry, entry.name(), &installed, &newest));
    }
    if written.is_empty() {
        let mut instance = Instance::of_old_style(entry);
        split_version(&mut instance, context.settings.legacy_quirks);
        return vec![instance];
    }
    written
}

/// `version='1.0-1'` of an entry without instances means version and release; the old driver never found such a version.
fn split_version(instance: &mut Instance, legacy: bool) {
    if legacy || instance.attribute("release").is_some() {
        return;
    }
    let Some(version) = instance.attribute("version") else {
        return;
    };
    if let Some((version, release)) = version.split_once('-') {
        let (version, release) = (version.to_owned(), release.to_owned());
        instance.element.set("version", version);
        instance.element.set("release", release);
    }
}

/// The packages of a group: each there, in the newest version of each installed architecture.
fn of_packages(
    entry: &Entry,
    packages: &[String],
    context: &Context<'_>,
    checker: &mut dyn Checker,
    examined: &mut Examined,
) -> Vec<Instance> {
    let mut all = Vec::new();
    let mut unknown = false;
    for name in packages {
        let installed = context.inventory.named(name);
        if installed.is_empty() {
            let element = Element::new("Package").with("name", name.as_str());
            all.push(Instance { element });
            continue;
        }
        let newest = checker.newest(name);
        unknown |= newest.is_none();
        all.extend(auto(entry, name, &installed, &newest.unwrap_or_default()));
    }
    if unknown {
        examined.notes.push(not_asked(entry));
    }
    all
}

fn not_asked(entry: &Entry) -> String {
    format!(
        "{}: the repositories could not be asked for the newest version; what is installed is taken for it",
        entry.label()
    )
}

/// What a prompt about a group shows of one of its packages: its name too.
fn of_group(package: &str, mut evra: Evra) -> Evra {
    let version = match &evra.version {
        Part::Text(version) => format!("{package}-{version}"),
        _ => package.to_owned(),
    };
    evra.version = Part::Text(version);
    evra
}

fn auto(
    entry: &Entry,
    name: &str,
    installed: &[&Installed],
    newest: &[Installed],
) -> Vec<Instance> {
    let mut made: Vec<Instance> = Vec::new();
    for package in installed {
        let offered = newest
            .iter()
            .find(|offer| offer.arch == package.arch && is_newer(offer, package));
        let wanted = offered.unwrap_or(package);
        let mut element = Element::new("Instance")
            .with("name", name)
            .with("version", &wanted.version);
        if let Some(arch) = &wanted.arch {
            element.set("arch", arch);
        }
        element.set("release", &wanted.release);
        element.set("epoch", wanted.epoch.unwrap_or(0).to_string());
        for carried in ["verify_flags", "verify"] {
            if let Some(value) = entry.attribute(carried) {
                element.set(carried, value);
            }
        }
        // One for each architecture: the last installed one counts.
        made.retain(|one| one.attribute("arch") != wanted.arch.as_deref());
        made.push(Instance { element });
    }
    made
}

/// What an instance declares; what it leaves out or calls `any` is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    epoch: Option<String>,
    version: Option<String>,
    release: Option<String>,
    arch: Option<String>,
}

impl Wanted {
    fn of(instance: &Instance) -> Self {
        let part = |name: &str| {
            instance
                .attribute(name)
                .filter(|value| !value.is_empty() && *value != "any")
                .map(str::to_owned)
        };
        Self {
            epoch: part("epoch"),
            version: part("version"),
            release: part("release"),
            arch: part("arch"),
        }
    }

    fn fits(&self, package: &Installed) -> bool {
        let epoch = package.epoch.unwrap_or(0).to_string();
        let same = |wanted: &Option<String>, have: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == have)
        };
        same(&self.epoch, Some(&epoch))
            && same(&self.version, Some(&package.version))
            && same(&self.release, Some(&package.release))
            && same(&self.arch, arch(package))
    }

    /// The package provides the name in the declared version; an absent epoch is 0.
    fn is_provided(&self, name: &str, package: &Installed) -> bool {
        let Some(version) = &self.version else {
            return true;
        };
        let zero = |epoch: Option<&str>| epoch.unwrap_or("0").to_owned();
        package.provided(name).any(|provided| {
            let (epoch, rest) = match provided.split_once(':') {
                Some((epoch, rest)) => (Some(epoch), rest),
                None => (None, provided),
            };
            let (have, release) = match rest.split_once('-') {
                Some((have, release)) => (have, Some(release)),
                None => (rest, None),
            };
            let wanted = self.release.as_deref();
            zero(self.epoch.as_deref()) == zero(epoch)
                && have == version
                // Without a release on one side all of them are meant.
                && (wanted.is_none() || release.is_none() || wanted == release)
        })
    }

    fn shown(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "any".into());
        format!(
            "{}:{}-{}.{}",
            part(&self.epoch),
            part(&self.version),
            part(&self.release),
            part(&self.arch)
        )
    }
}

/// By name or by what the first one provides: the settings' names, and what packages say of themselves (dnf, zypper).
pub(super) fn is_installonly(context: &Context<'_>, installed: &[&Installed]) -> bool {
    let says =
        |what: &String| what.starts_with("installonlypkg(") || what.starts_with("multiversion(");
    installed.first().is_some_and(|first| {
        first.provides.iter().any(says)
            || context
                .settings
                .installonly
                .iter()
                .any(|name| *name == first.name || first.provides.contains(name))
    })
}

/// Installed packages that no instance stands for. An instance stands for all that fit what it says, so one without an
/// architecture for every architecture. The old driver let each instance take the first that fits alone.
fn extra(statuses: &[InstanceStatus], installed: &[&Installed], legacy: bool) -> Vec<Installed> {
    let mut taken: Vec<u32> = Vec::new();
    for status in statuses {
        let wanted = Wanted::of(&status.instance);
        let fitting = installed
            .iter()
            .filter(|package| wanted.fits(package) && !taken.contains(&package.number))
            .map(|package| package.number);
        let most = if legacy { 1 } else { usize::MAX };
        let fitting: Vec<u32> = fitting.take(most).collect();
        taken.extend(fitting);
    }
    installed
        .iter()
        .filter(|package| !taken.contains(&package.number))
        .map(|package| (*package).clone())
        .collect()
}

/// Verifies a package as yum does: files only, and not those that another architecture of the package has put there.
fn verify(
    entry: &Entry,
    instance: &Instance,
    package: &Installed,
    context: &Context<'_>,
    checker: &mut dyn Checker,
) -> Result<Verdict, String> {
    let omit = Omit::new(["nodeps", "nosignature", "nodigest", "noscripts"].map(str::to_owned));
    let mut verdict = checker.check(package, &omit)?;
    verdict.header.clear();
    verdict.dependencies.clear();
    let twins: Vec<&Installed> = context
        .inventory
        .named(&package.name)
        .into_iter()
        .filter(|twin| {
            twin.number != package.number
                && twin.epoch.unwrap_or(0) == package.epoch.unwrap_or(0)
                && twin.version == package.version
                && twin.release == package.release
        })
        .collect();
    let mut of_twins: Vec<Verdict> = Vec::new();
    for twin in &twins {
        of_twins.push(checker.check(twin, &omit)?);
    }
    let flags = flags(instance, context);
    let mut kept = Vec::new();
    for mut file in std::mem::take(&mut verdict.files) {
        if !context.counts(&file.path, entry, instance) {
            continue;
        }
        let shared = !twins.is_empty() && twins.iter().all(|twin| checker.owns(twin, &file.path));
        if shared && all_but_one(&file.path, &of_twins, twins.len()) {
            continue;
        }
        if file.kind == 'g' {
            continue;
        }
        // A link that leads nowhere in the place of a file is a missing file for yum, and what is missing behind a link is
        // nobody's fault.
        let gone = file.became_link || file.differs.contains(&Difference::Missing);
        if gone && checker.is_dangling(&file.path) {
            continue;
        }
        file.differs
            .sort_by_key(|difference| yum_order(*difference));
        file.differs.retain(|difference| {
            yum_word(*difference).is_some_and(|word| !flags.has(&format!("no{word}")))
        });
        if !file.differs.is_empty() {
            kept.push(file);
        }
    }
    verdict.files = kept;
    Ok(verdict)
}

/// A file that is wrong in all architectures but one is right for that one, which was installed last.
fn all_but_one(path: &str, of_twins: &[Verdict], twins: usize) -> bool {
    let failing = of_twins
        .iter()
        .filter(|verdict| verdict.files.iter().any(|file| file.path == path))
        .count();
    failing + 1 == twins
}

fn flags(instance: &Instance, context: &Context<'_>) -> Omit {
    match instance.attribute("verify_flags") {
        Some(own) => Omit::new(words(own)),
        None => Omit::new(context.settings.verify_flags.iter().cloned()),
    }
}

/// yum's word for a difference; `verify_flags` has `no` in front of it.
pub fn yum_word(difference: Difference) -> Option<&'static str> {
    Some(match difference {
        Difference::Missing => "missing",
        Difference::Digest => "checksum",
        Difference::Unreadable | Difference::UnreadableLink => "genchecksum",
        Difference::Link => "symlink",
        Difference::Size => "size",
        Difference::Mode => "mode",
        Difference::Device => "type",
        Difference::Mtime => "mtime",
        Difference::User => "user",
        Difference::Group => "group",
        Difference::Capabilities => return None,
    })
}

fn yum_order(difference: Difference) -> u8 {
    match difference {
        Difference::Missing => 0,
        Difference::Device => 1,
        Difference::Link | Difference::UnreadableLink => 2,
        Difference::Mtime => 3,
        Difference::User => 4,
        Difference::Group => 5,
        Difference::Mode => 6,
        Difference::Digest | Difference::Unreadable => 7,
        Difference::Size => 8,
        Difference::Capabilities => 9,
    }
}
