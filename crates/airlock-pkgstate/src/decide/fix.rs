//! Which instances are to be put right: the actions of driver and instance, and the reinstall check.

use super::{Context, Difference, InstanceStatus};
use crate::declared::Entry;
use crate::settings::{Driver, modern_word};
use crate::xml::Element;

/// What would put an instance right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repair {
    /// Install it.
    Install,
    /// Bring it to the declared version, up or down.
    Upgrade,
    /// Install it again.
    Reinstall,
}

/// What to do about an instance, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is done; `None`: nothing.
    pub repair: Option<Repair>,
    /// The reason, for the plan.
    pub reason: String,
}

/// Decides about one instance. Driver, package and instance must all allow what is to be done.
pub fn decide(entry: &Entry, status: &InstanceStatus, context: &Context<'_>) -> Verdict {
    let settings = context.settings;
    let instance = &status.instance;
    let legacy = settings.legacy_quirks;
    let per_instance = context.driver == Driver::Rpm;
    let missing = status.installed == Some(false);
    let wrong = status.version_fail == Some(true);
    let allowed = |driver: bool, names: &[&str], word: &str, modern: &str, option: &str| {
        if !driver {
            return Err(format!("the driver's {option} is none"));
        }
        if per_instance && !allows(&instance.element, names, word, modern, legacy) {
            return Err(format!("{option} of the instance is none"));
        }
        // The old driver asked entries with instances nothing here, although its document shows it.
        if per_instance && !legacy && !allows(&entry.element, names, word, modern, legacy) {
            return Err(format!("{option} of the package is none"));
        }
        Ok(())
    };
    let install = || {
        let names: &[&str] = match legacy {
            true => &["installed_action"],
            false => &["installed_action", "install_action"],
        };
        allowed(
            settings.install,
            names,
            "install",
            "install_missing",
            "install_action",
        )
    };
    let (repair, allowed, what) = if wrong {
        // The old RPMng asked installed_action here, so that version_fail_action never mattered.
        let allowed = match legacy && context.driver == Driver::Rpm {
            true => install(),
            false => allowed(
                settings.upgrade,
                &["version_fail_action"],
                "upgrade",
                "fix_version",
                "version_fail_action",
            ),
        };
        let have = status.have.as_ref().map(|have| have.spec());
        let what = match have {
            Some(have) if status.beside => format!("it is not installed; {have} stays beside it"),
            Some(have) => format!("{have} is installed instead"),
            None => "another version is installed".to_owned(),
        };
        (Repair::Upgrade, allowed, what)
    } else if missing {
        (Repair::Install, install(), "it is not installed".to_owned())
    } else if status.verify_fail == Some(true) {
        let allowed = allowed(
            settings.reinstall,
            &["verify_fail_action"],
            "reinstall",
            "reinstall_broken",
            "verify_fail_action",
        );
        let allowed = allowed.and_then(|()| match mendable(entry, status, context) {
            true => Ok(()),
            false if only_config(entry, status, context) => Err(format!(
                "configuration files are not put back; take them for good with: airlock-agent packages acknowledge {}",
                entry.package_of(&status.instance)
            )),
            false => Err("installing it again would not change that".to_owned()),
        });
        (Repair::Reinstall, allowed, failures(entry, status, context))
    } else {
        return Verdict {
            repair: None,
            reason: "it is as declared".to_owned(),
        };
    };
    match allowed {
        Ok(()) => Verdict {
            repair: Some(repair),
            reason: what,
        },
        Err(why) => Verdict {
            repair: None,
            reason: format!("{what}, but {why}"),
        },
    }
}

/// What an instance or package says itself about an action, in whichever spelling. Contradicting spellings mean no.
fn allows(element: &Element, names: &[&str], word: &str, modern: &str, legacy: bool) -> bool {
    let old = names.iter().all(|name| {
        element.attribute(name).is_none_or(|value| match legacy {
            true => value == word,
            false => value.trim().eq_ignore_ascii_case(word),
        })
    });
    let new = legacy
        || element
            .attribute(modern)
            .is_none_or(|value| modern_word(value) != Some(false));
    old && new
}

/// The reinstall check: whether installing the package again can help at all.
fn mendable(entry: &Entry, status: &InstanceStatus, context: &Context<'_>) -> bool {
    let legacy = context.settings.legacy_quirks;
    if legacy && context.driver == Driver::Yum {
        return true;
    }
    status.verdicts.iter().flatten().any(|verdict| {
        !verdict.header.is_empty()
            || verdict.files.iter().any(|file| {
                file.kind != 'c' && (legacy || context.counts(&file.path, entry, &status.instance))
            })
    })
}

/// Whether only configuration files fail, so that nothing can be done but look at them.
pub fn only_config(entry: &Entry, status: &InstanceStatus, context: &Context<'_>) -> bool {
    let mut any = false;
    for verdict in status.verdicts.iter().flatten() {
        if !verdict.header.is_empty() || !verdict.dependencies.is_empty() {
            return false;
        }
        for file in &verdict.files {
            if context.counts(&file.path, entry, &status.instance) {
                if file.kind != 'c' {
                    return false;
                }
                any = true;
            }
        }
    }
    any
}

fn failures(entry: &Entry, status: &InstanceStatus, context: &Context<'_>) -> String {
    let mut said: Vec<String> = Vec::new();
    for verdict in status.verdicts.iter().flatten() {
        said.extend(verdict.header.iter().cloned());
        said.extend(
            verdict
                .dependencies
                .iter()
                .map(|unmet| format!("{} is not there", unmet.requirement)),
        );
        said.extend(
            verdict
                .files
                .iter()
                .filter(|file| context.counts(&file.path, entry, &status.instance))
                .map(|file| match file.differs.contains(&Difference::Missing) {
                    true => format!("{} is missing", file.path),
                    false => format!("{} differs", file.path),
                }),
        );
    }
    let more = said.len().saturating_sub(3);
    said.truncate(3);
    match more {
        0 => format!("it fails verification: {}", said.join(", ")),
        more => format!("it fails verification: {} and {more} more", said.join(", ")),
    }
}
