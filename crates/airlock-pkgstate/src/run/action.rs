//! What is done and why: one action for one instance.

use serde::{Deserialize, Serialize};

use super::{Machine, Remove, Session};
use crate::decide::extra::{self, ExtraPackage};
use crate::decide::fix::{self, Repair};
use crate::decide::yum::is_replaced;
use crate::decide::{InstanceStatus, required};
use crate::declared::{Entry, Instance};
use crate::inventory::{Installed, KEY};
use crate::settings::Driver;

/// The kinds of actions, in the order in which they are carried out by RPMng.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Remove an instance that is not declared, of a package that is.
    RemoveInstance,
    /// Install.
    Install,
    /// Import a key.
    ImportKey,
    /// Bring to another version.
    Upgrade,
    /// Bring to an older version.
    Downgrade,
    /// Install again.
    Reinstall,
    /// Remove a package that is not declared.
    Remove,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What is done.
    pub kind: ActionKind,
    /// The entry that it is done for, `Package:NAME`.
    pub entry: String,
    /// Name of the package.
    pub name: String,
    /// Declared epoch; of removals the installed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// Version; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Release; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Architecture; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The version that is there now, of upgrades: `NAME-[E:]V-R.A`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub have: Option<String>,
    /// Where the file comes from: path or URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// It stands beside other versions: `rpm --install`, not `--upgrade`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub side_by_side: bool,
    /// Why.
    pub reason: String,
}

impl Action {
    pub(super) fn new(kind: ActionKind, entry: String, name: &str, reason: String) -> Self {
        Self {
            kind,
            entry,
            name: name.to_owned(),
            epoch: None,
            version: None,
            release: None,
            arch: None,
            have: None,
            source: None,
            side_by_side: false,
            reason,
        }
    }

    fn declares(mut self, instance: &Instance) -> Self {
        let part = |name: &str| {
            instance
                .attribute(name)
                .filter(|value| !value.is_empty() && *value != "any")
                .map(str::to_owned)
        };
        self.epoch = part("epoch");
        self.version = part("version");
        self.release = part("release");
        self.arch = part("arch");
        self
    }

    /// The removal of an installed package.
    pub fn removal(kind: ActionKind, installed: &Installed, reason: String) -> Self {
        let mut action = Self::new(
            kind,
            format!("Package:{}", installed.name),
            &installed.name,
            reason,
        );
        action.epoch = installed.epoch.map(|epoch| epoch.to_string());
        action.version = Some(installed.version.clone());
        action.release = Some(installed.release.clone());
        action.arch.clone_from(&installed.arch);
        action
    }

    /// `NAME[-[EPOCH:]VERSION[-RELEASE]][.ARCH]`: what package managers take.
    pub fn spec(&self) -> String {
        let mut spec = self.name.clone();
        if let Some(version) = &self.version {
            spec.push('-');
            if let Some(epoch) = &self.epoch {
                spec.push_str(epoch);
                spec.push(':');
            }
            spec.push_str(version);
            if let Some(release) = &self.release {
                spec.push('-');
                spec.push_str(release);
            }
        }
        if let Some(arch) = &self.arch {
            spec.push('.');
            spec.push_str(arch);
        }
        spec
    }

    /// Something is taken away.
    pub fn is_removal(&self) -> bool {
        matches!(self.kind, ActionKind::RemoveInstance | ActionKind::Remove)
    }

    /// What of it a program would take for an option, a pattern or several words. Names come from lists, and from the
    /// database of a root that may be anybody's.
    pub fn unfit_argument(&self) -> Option<String> {
        let parts = [
            Some(&self.name),
            self.epoch.as_ref(),
            self.version.as_ref(),
            self.release.as_ref(),
            self.arch.as_ref(),
        ];
        let odd = |one: char| one.is_control() || one.is_whitespace() || "*?[]{}/".contains(one);
        let part = parts
            .into_iter()
            .flatten()
            .find(|part| part.starts_with('-') || part.chars().any(odd));
        let source = self.source.as_ref().filter(|source| {
            source.is_empty() || source.starts_with('-') || source.chars().any(char::is_control)
        });
        let text = part
            .cloned()
            .or(source.map(|source| without_password(source)))?;
        Some(format!(
            "{}: {text:?} is refused as an argument",
            self.entry
        ))
    }

    /// The same, to be shown: without a password.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self {
            source: self.source.as_deref().map(without_password),
            ..self.clone()
        }
    }

    /// A key, not a package.
    pub fn is_key(&self) -> bool {
        self.name == KEY
    }
}

/// An address without the user and password that may stand in it, for everything that is shown or kept by others.
pub fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => address.to_owned(),
    }
}

/// `uri` and `simplefile` as POSIX joins paths: an absolute second part stands for itself.
pub fn join(uri: &str, file: &str) -> String {
    if file.starts_with('/') || uri.is_empty() {
        file.to_owned()
    } else if uri.ends_with('/') {
        format!("{uri}{file}")
    } else {
        format!("{uri}/{file}")
    }
}

impl Session<'_> {
    /// Turns what was selected into actions.
    pub fn plan(&mut self, machine: &mut dyn Machine) {
        let prelink = machine.has_prelink();
        let mut notes = Vec::new();
        let mut actions = Vec::new();
        let context = self.context(prelink);
        for at in &self.to_install {
            let (Some(entry), Some(examined)) = (self.entry(*at), self.now.get(*at)) else {
                continue;
            };
            if !self.is_ours(*at) {
                continue;
            }
            if let Err(why) = required::to_install(entry, &context) {
                notes.push(why);
                continue;
            }
            if let Some(extra) = &examined.extra {
                self.remove_instances(extra, &examined.instances, &mut actions, &mut notes);
            }
            for status in &examined.instances {
                let verdict = fix::decide(entry, status, &context);
                match verdict.repair {
                    Some(repair) => match self.repair(entry, status, repair, verdict.reason) {
                        // Another entry of the same name may ask for the same.
                        Ok(action) if actions.contains(&action) => {}
                        Ok(action) => actions.push(action),
                        Err(why) => notes.push(why),
                    },
                    None if !status.is_good() => notes.push(format!(
                        "{} {}: {}",
                        entry.label(),
                        status.instance.evra().shown(self.options.form),
                        verdict.reason
                    )),
                    None => {}
                }
            }
        }
        self.legacy_removals(&mut actions, &mut notes);
        let removals = self.to_remove.clone();
        for extra in &removals {
            for installed in &extra.instances {
                if self.may_remove(installed, &mut notes) {
                    let reason = "it is installed and no entry declares it".to_owned();
                    actions.push(Action::removal(ActionKind::Remove, installed, reason));
                }
            }
        }
        self.notes.append(&mut notes);
        self.actions = actions;
    }

    /// The old RPMng took the extra instances of all entries, whatever was answered, as soon as it had one to put right.
    fn legacy_removals(&self, actions: &mut Vec<Action>, notes: &mut Vec<String>) {
        if !self.settings.legacy_quirks
            || self.driver != Driver::Rpm
            || self.options.remove != Remove::Packages
            || !self.to_install.iter().any(|at| self.is_ours(*at))
        {
            return;
        }
        for (at, examined) in self.now.iter().enumerate() {
            if let Some(extra) = &examined.extra
                && !self.to_install.contains(&at)
            {
                self.remove_instances(extra, &examined.instances, actions, notes);
            }
        }
    }

    fn remove_instances(
        &self,
        extra: &ExtraPackage,
        statuses: &[InstanceStatus],
        actions: &mut Vec<Action>,
        notes: &mut Vec<String>,
    ) {
        let wanted = self.options.remove == Remove::Packages;
        for installed in &extra.instances {
            if self.driver == Driver::Yum && is_replaced(statuses, installed) {
                continue;
            }
            if !wanted {
                notes.push(format!(
                    "{} is installed and not declared; -r packages would remove it",
                    installed.spec()
                ));
            } else if self.may_remove(installed, notes) {
                let reason = "this instance is installed and not declared".to_owned();
                let action = Action::removal(ActionKind::RemoveInstance, installed, reason);
                if !actions.contains(&action) {
                    actions.push(action);
                }
            }
        }
    }

    /// Extra packages are to go and are still there.
    pub fn has_removals_left(&self) -> bool {
        if self.options.remove == Remove::Nothing {
            return false;
        }
        let providers = extra::providers(self.configuration, &self.context(false));
        let go = self
            .extra
            .iter()
            .filter(|extra| !providers.contains_key(&extra.name));
        let mut installed = go.flat_map(|extra| &extra.instances);
        installed.any(|one| self.may_remove(one, &mut Vec::new()))
    }

    /// Keys on the list of protected ones stay. The old drivers never erased any.
    fn may_remove(&self, installed: &Installed, notes: &mut Vec<String>) -> bool {
        if !installed.is_key() {
            return true;
        }
        if self.settings.legacy_quirks {
            notes.push(format!(
                "{} is not declared; keys are not removed with legacy_quirks",
                installed.spec()
            ));
            return false;
        }
        let whole = format!("{}-{}", installed.version, installed.release);
        let protected = self.settings.protect_keys.iter().any(|key| {
            *key == whole || (key.len() >= 8 && key.ends_with(installed.version.as_str()))
        });
        if protected {
            notes.push(format!("{} stays: protect_keys names it", installed.spec()));
        }
        !protected
    }

    fn repair(
        &self,
        entry: &Entry,
        status: &InstanceStatus,
        repair: Repair,
        reason: String,
    ) -> Result<Action, String> {
        let instance = &status.instance;
        let name = entry.package_of(instance);
        let key = name == KEY;
        let kind = match repair {
            _ if key => ActionKind::ImportKey,
            Repair::Install => ActionKind::Install,
            Repair::Upgrade if status.beside && !self.settings.legacy_quirks => ActionKind::Install,
            Repair::Upgrade if self.goes_down(status) => ActionKind::Downgrade,
            Repair::Upgrade => ActionKind::Upgrade,
            Repair::Reinstall => ActionKind::Reinstall,
        };
        let mut action = Action::new(kind, entry.label(), name, reason).declares(instance);
        action.have = status.have.as_ref().map(Installed::spec);
        // Another architecture is as declared already: the manager would see nothing to do.
        if self.driver == Driver::Yum
            && repair == Repair::Upgrade
            && action.arch.is_none()
            && !status.matched.is_empty()
        {
            action.arch = status.have.as_ref().and_then(|have| have.arch.clone());
        }
        if self.driver == Driver::Rpm || key {
            let uri = entry.attribute("uri").or_else(|| instance.attribute("uri"));
            let file = instance.attribute("simplefile");
            let (Some(uri), Some(file)) = (uri, file) else {
                return Err(format!(
                    "{} has no simplefile or no uri; it cannot be installed",
                    entry.label()
                ));
            };
            action.source = Some(join(uri, file));
        }
        action.side_by_side = !key
            && (status.beside
                || self
                    .settings
                    .installonly
                    .iter()
                    .any(|listed| listed == name));
        match action.unfit_argument() {
            Some(why) => Err(why),
            None => Ok(action),
        }
    }

    fn goes_down(&self, status: &InstanceStatus) -> bool {
        let Some(have) = &status.have else {
            return false;
        };
        let instance = &status.instance;
        let epoch = instance
            .attribute("epoch")
            .and_then(|text| text.parse().ok());
        let epoch = epoch.or(have.epoch);
        let version = instance.attribute("version").unwrap_or_default();
        let release = instance.attribute("release");
        let wanted = airlock_rpm::EvrRef::new(epoch, version, release);
        let current = airlock_rpm::EvrRef::new(
            have.epoch,
            &have.version,
            release.map(|_| have.release.as_str()),
        );
        wanted < current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_addresses_are_not_shown() {
        for (address, shown) in [
            ("http://me:p@ss@host/a.rpm", "http://***@host/a.rpm"),
            ("https://token@host:8080?x=1", "https://***@host:8080?x=1"),
            ("http://host/a@b.rpm", "http://host/a@b.rpm"),
            ("/srv/a@b.rpm", "/srv/a@b.rpm"),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }

    #[test]
    fn what_a_program_would_misread_is_refused() {
        let action = |name: &str, version: &str, source: &str| {
            let mut action = Action::new(
                ActionKind::Install,
                format!("Package:{name}"),
                name,
                String::new(),
            );
            action.version = Some(version.to_owned());
            action.source = Some(source.to_owned());
            action.unfit_argument()
        };
        assert_eq!(action("gtk+-x.y_z~1^2", "1.0", "/srv/a b.rpm"), None);
        for (name, version, source) in [
            ("--eval=%(id)", "1", "/a.rpm"),
            ("*", "1", "/a.rpm"),
            ("a", "1 --nodeps", "/a.rpm"),
            ("a", "*", "/a.rpm"),
            ("a", "1", "-e"),
            ("a", "1", "/a\n.rpm"),
            ("/etc/passwd", "1", "/a.rpm"),
        ] {
            assert!(action(name, version, source).is_some(), "{name} {version}");
        }
    }
}
