//! What a run found and did: a stable JSON document and text for people.
//!
//! The document has a version; members are added, never changed in meaning, while it stays the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::decide::{Examined, InstanceStatus, Verdict, prompt};
use crate::declared::{Configuration, Entry};
use crate::evra::Form;
use crate::inventory::Installed;
use crate::run::Session;
use crate::run::action::{Action, without_password};
use crate::run::command::{Erasure, Ran};
use crate::settings::Driver;

/// The version of [`Report`].
pub const REPORT_VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// `RPMng` or `YUMng`.
    pub driver: String,
    /// The revision of the configuration.
    pub revision: Option<String>,
    /// Nothing was to be changed.
    pub dry_run: bool,
    /// How many entries are as declared now.
    pub good: usize,
    /// How many are not.
    pub bad: usize,
    /// The entries of the driver.
    pub entries: Vec<EntryReport>,
    /// Entries of other kinds, which are not looked at.
    pub not_handled: Vec<String>,
    /// Packages that no entry declares.
    pub extra: Vec<String>,
    /// What was changed.
    pub modified: Vec<String>,
    /// What was to be done, and why.
    pub actions: Vec<Action>,
    /// What happens beside that, as far as it was known before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Action>,
    /// Commands with their output.
    pub commands: Vec<Ran>,
    /// What was removed.
    pub removals: Vec<Erasure>,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// Why the run did not end as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Something is to be done that is not about a bad entry.
    #[serde(skip)]
    work: bool,
}

/// One entry.
#[derive(Debug, Serialize)]
pub struct EntryReport {
    /// `Package:NAME`.
    pub entry: String,
    /// It was as declared at the start.
    pub good_before: bool,
    /// It is as declared now.
    pub good: bool,
    /// The question about it, if there was something to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Its instances as they were at the start.
    pub instances: Vec<InstanceReport>,
    /// Installed instances that are not declared, at the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_instances: Vec<String>,
    /// What the operator should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One instance.
#[derive(Debug, Serialize)]
pub struct InstanceReport {
    /// The package, of entries for a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `[EPOCH:]VERSION-RELEASE.ARCH` as declared.
    pub declared: String,
    /// It was there; `null`: not looked at.
    pub installed: Option<bool>,
    /// Another version was there.
    pub version_fail: Option<bool>,
    /// It failed verification.
    pub verify_fail: Option<bool>,
    /// The version that was there instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<String>,
    /// What verification found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Verdict>,
}

impl Report {
    /// The report of a run.
    pub fn of(session: &Session<'_>, stopped: Option<String>) -> Self {
        let mut entries = Vec::new();
        let mut not_handled = Vec::new();
        let found = session.before.iter().zip(&session.now);
        for (entry, (before, now)) in session.configuration.entries.iter().zip(found) {
            let ignored = entry.is_ignored_path() && session.driver == Driver::Yum;
            if !entry.is_package(session.driver.handles()) && !ignored {
                not_handled.push(entry.label());
                continue;
            }
            if ignored {
                continue;
            }
            entries.push(EntryReport {
                entry: entry.label(),
                good_before: before.good,
                good: now.good,
                prompt: (!before.good)
                    .then(|| prompt::own(entry, before, session.options.form))
                    .flatten(),
                instances: before
                    .instances
                    .iter()
                    .map(|status| instance(entry, status))
                    .collect(),
                extra_instances: extra_instances(before),
                notes: before.notes.clone(),
            });
        }
        let good = entries.iter().filter(|entry| entry.good).count();
        let mut commands = session.commands.clone();
        commands.extend(session.erasures_ran.iter().cloned());
        Self {
            version: REPORT_VERSION,
            driver: session.driver.to_string(),
            revision: session.configuration.revision.clone(),
            dry_run: session.options.dry_run,
            good,
            bad: entries.len() - good,
            entries,
            not_handled,
            extra: session
                .extra
                .iter()
                .flat_map(|package| package.instances.iter().map(Installed::spec))
                .collect(),
            modified: distinct(&session.modified),
            actions: session.actions.iter().map(Action::shown).collect(),
            further: session.further.iter().map(Action::shown).collect(),
            commands,
            removals: session.erasures.clone(),
            notes: session.notes.clone(),
            stopped,
            work: session.has_removals_left()
                || (!session.performed && !session.actions.is_empty()),
        }
    }

    /// The report of a run that has no driver of packages: everything is left alone.
    pub fn of_no_driver(configuration: &Configuration, note: &str) -> Self {
        Self {
            version: REPORT_VERSION,
            driver: "none".to_owned(),
            revision: configuration.revision.clone(),
            dry_run: true,
            not_handled: configuration.entries.iter().map(Entry::label).collect(),
            notes: vec![note.to_owned()],
            ..Self::default()
        }
    }

    /// The document as text.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// For people: what is bad and why, what was done, what is extra.
    pub fn text(&self, show_extra: bool) -> String {
        let mut out = String::new();
        let told = |entry: &&EntryReport| !(entry.good_before && entry.good);
        for entry in self.entries.iter().filter(told) {
            let state = if entry.good { "put right" } else { "bad" };
            let _ = writeln!(out, "{}: {state}", entry.entry);
            if let Some(prompt) = &entry.prompt {
                let codes = prompt
                    .split_once(" - ")
                    .or_else(|| prompt.split_once("(s) "));
                let codes = codes.map_or("", |(_, codes)| codes);
                let codes = codes
                    .trim_end_matches("(y/N) ")
                    .trim_end_matches(['?', ' ']);
                if !codes.is_empty() {
                    let _ = writeln!(out, "    {codes}");
                }
            }
            for finding in entry.instances.iter().flat_map(|one| &one.findings) {
                describe(finding, &mut out);
            }
            for note in &entry.notes {
                let _ = writeln!(out, "    {}", one_line(note));
            }
        }
        for action in self.actions.iter().chain(&self.further) {
            let _ = writeln!(out, "{}", describe_action(action));
        }
        for ran in self.commands.iter().filter(|ran| !ran.succeeded()) {
            let exit = ran.exit.map_or_else(
                || "no exit status".to_owned(),
                |exit| format!("exit {exit}"),
            );
            let _ = writeln!(out, "failed ({exit}): {}", ran.arguments.join(" "));
            // The reason stands at the end.
            let lines: Vec<&str> = ran.output.lines().collect();
            for line in &lines[lines.len().saturating_sub(20)..] {
                let _ = writeln!(out, "    {line}");
            }
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {}", one_line(note));
        }
        out.push_str(&self.notes_of_good());
        if !self.not_handled.is_empty() {
            let count = self.not_handled.len();
            let _ = match self.driver.as_str() {
                "none" => writeln!(out, "not handled: {}", counted(count, "entry", "entries")),
                driver => writeln!(
                    out,
                    "not handled by {driver}: {} of other kinds",
                    counted(count, "entry", "entries")
                ),
            };
        }
        if show_extra {
            for extra in &self.extra {
                let _ = writeln!(out, "extra: {extra}");
            }
        }
        let _ = writeln!(
            out,
            "{} good, {} bad, {} modified, {} extra",
            self.good,
            self.bad,
            self.modified.len(),
            self.extra.len()
        );
        out
    }

    /// Notes about entries that are good, the first of them: a line each.
    pub fn notes_of_good(&self) -> String {
        let good = self
            .entries
            .iter()
            .filter(|entry| entry.good_before && entry.good);
        let notes: Vec<String> = good
            .flat_map(|entry| entry.notes.iter().map(|note| entry.labelled(note)))
            .collect();
        let mut out = String::new();
        for note in notes.iter().take(MOST_NOTES) {
            let _ = writeln!(out, "note: {note}");
        }
        if notes.len() > MOST_NOTES {
            let more = notes.len() - MOST_NOTES;
            let _ = writeln!(
                out,
                "note: {more} more about good entries; --json has them all"
            );
        }
        out
    }

    /// Something is not as declared, is still to be done, or is extra where extras are to go.
    pub fn has_work(&self) -> bool {
        self.bad > 0 || self.work
    }
}

impl EntryReport {
    /// A note with what it is about, on a line.
    pub fn labelled(&self, note: &str) -> String {
        let note = one_line(note);
        match note.contains(&self.entry) {
            true => note,
            false => format!("{}: {note}", self.entry),
        }
    }
}

/// So many notes about good entries are shown to people.
const MOST_NOTES: usize = 10;

/// A text of several lines on one.
pub fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// `1 action`, `2 actions`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn distinct(labels: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = labels.iter().filter(|label| seen.insert(*label));
    first.cloned().collect()
}

fn instance(entry: &Entry, status: &InstanceStatus) -> InstanceReport {
    let name = entry.package_of(&status.instance);
    InstanceReport {
        name: entry.packages.is_some().then(|| name.to_owned()),
        declared: status.instance.evra().shown(Form::Later),
        installed: status.installed,
        version_fail: status.version_fail,
        verify_fail: status.verify_fail,
        have: status.have.as_ref().map(Installed::spec),
        findings: status.verdicts.clone().unwrap_or_default(),
    }
}

fn extra_instances(examined: &Examined) -> Vec<String> {
    let extra = examined.extra.iter();
    extra
        .flat_map(|extra| extra.instances.iter().map(Installed::spec))
        .collect()
}

fn describe(finding: &Verdict, out: &mut String) {
    for header in &finding.header {
        let _ = writeln!(out, "    {}: {header}", finding.package);
    }
    for unmet in &finding.dependencies {
        let _ = writeln!(out, "    {}: needs {}", finding.package, unmet.requirement);
    }
    for file in &finding.files {
        let words: Vec<String> = file
            .differs
            .iter()
            .filter_map(|word| serde_json::to_value(word).ok()?.as_str().map(str::to_owned))
            .collect();
        let kind = match file.kind {
            ' ' => String::new(),
            kind => format!(" ({kind})"),
        };
        let _ = writeln!(out, "    {}{kind}: {}", file.path, words.join(", "));
    }
}

/// One action as a line.
pub fn describe_action(action: &Action) -> String {
    let word = serde_json::to_value(action.kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    let from = match &action.source {
        Some(source) => format!(" from {}", without_password(source)),
        None => String::new(),
    };
    format!("{word} {}{from}: {}", action.spec(), action.reason)
}
