//! What `check` says: what was read from where, what it means, what is wrong.

use std::fmt::Write as _;

use serde::Serialize;

use super::files::Outcome;
use super::{Configuration, DestinationSettings, Origin, Source, Told};
use crate::backend::Level;

/// The explanation of a configuration, for people ([`Explanation::text`]) and machines.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The files that were looked at.
    pub files: Vec<File>,
    /// Values for all sources.
    pub global: Vec<Value>,
    /// The sources that can be used.
    pub sources: Vec<Section>,
    /// The sections that cannot.
    pub dropped: Vec<Section>,
    /// What there is to say beside.
    pub remarks: Vec<Remark>,
}

/// A file and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// Which.
    pub path: String,
    /// What came of it.
    pub outcome: String,
}

/// A value and where it comes from.
#[derive(Debug, Clone, Serialize)]
pub struct Value {
    /// The option.
    pub name: String,
    /// Its value; secrets are not shown.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// A section.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub origin: String,
    /// Its kind of backend.
    pub kind: Option<String>,
    /// The address that is asked.
    pub server: Option<String>,
    /// Its options.
    pub options: Vec<Value>,
    /// Where reports go.
    pub destinations: Vec<String>,
    /// Which hosts are reported, in words.
    pub filter: String,
    /// What there is to say about it.
    pub remarks: Vec<Remark>,
}

/// A remark.
#[derive(Debug, Clone, Serialize)]
pub struct Remark {
    /// `error`, `warning` or `info`.
    pub level: &'static str,
    /// The text with its place.
    pub text: String,
}

/// The word of a level.
#[must_use]
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}

fn remark(told: &Told) -> Remark {
    Remark {
        level: word(told.level),
        text: told.to_string(),
    }
}

/// Explains a configuration.
#[must_use]
pub fn explain(configuration: &Configuration) -> Explanation {
    let global = &configuration.global;
    let value = |name: &str, options: &[&str], value: String| Value {
        name: name.to_owned(),
        value,
        origin: options
            .iter()
            .find_map(|option| global.origins.get(*option))
            .unwrap_or(&Origin::BuiltIn)
            .to_string(),
    };
    let path = |path: &Option<std::path::PathBuf>| {
        let path = path.as_ref()?;
        Some(path.display().to_string())
    };
    let yes = |on: bool| on.then(|| "true".to_owned());
    let optional = [
        ("debug", yes(global.debug)),
        ("oneshot", yes(global.oneshot)),
        ("log_per_config", yes(global.log_per_config)),
        ("metrics_file", path(&global.metrics_file)),
        ("metrics_listen", global.metrics_listen.clone()),
    ];
    Explanation {
        files: configuration
            .read
            .iter()
            .map(|file| File {
                path: file.path.display().to_string(),
                outcome: match &file.outcome {
                    Outcome::Sections(names) if names.is_empty() => "no section".to_owned(),
                    Outcome::Sections(names) => format!("sections {}", names.join(", ")),
                    Outcome::Variables(count) => format!("{count} variables"),
                    Outcome::Skipped(why) => format!("not read: {why}"),
                    Outcome::Failed(why) => format!("cannot be used: {why}"),
                },
            })
            .collect(),
        global: [
            value(
                "interval",
                &["interval"],
                format!("{} s", global.interval.as_secs()),
            ),
            value("reporter_id", &["reporter_id"], global.reporter_id.clone()),
            value(
                "log",
                &["log_dir", "log_file"],
                global.log_dir.join(&global.log_file).display().to_string(),
            ),
        ]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, text)| Some(value(name, &[name], text?))),
        )
        .collect(),
        sources: configuration
            .sources
            .iter()
            .map(|source| {
                let about = configuration
                    .told
                    .iter()
                    .filter(|told| told.section.as_deref() == Some(&source.name));
                section(
                    &source.name,
                    &source.origin.to_string(),
                    Some(source),
                    about,
                )
            })
            .collect(),
        dropped: configuration
            .dropped
            .iter()
            .map(|dropped| {
                section(
                    &dropped.name,
                    &dropped.origin.to_string(),
                    dropped.source.as_ref(),
                    dropped.told.iter(),
                )
            })
            .collect(),
        remarks: configuration
            .told
            .iter()
            .filter(|told| told.section.is_none() || told.section.as_deref() == Some("global"))
            .map(remark)
            .collect(),
    }
}

fn section<'a>(
    name: &str,
    origin: &str,
    source: Option<&Source>,
    told: impl Iterator<Item = &'a Told>,
) -> Section {
    Section {
        name: name.to_owned(),
        origin: origin.to_owned(),
        kind: source.map(|source| source.kind.to_owned()),
        server: source
            .map(|source| source.settings.server.clone())
            .filter(|server| !server.is_empty()),
        options: source
            .into_iter()
            .flat_map(|source| &source.shown)
            .map(|(name, (value, origin))| Value {
                name: name.clone(),
                value: value.clone(),
                origin: origin.to_string(),
            })
            .collect(),
        destinations: source
            .into_iter()
            .flat_map(|source| &source.destinations)
            .map(DestinationSettings::identity)
            .collect(),
        filter: source.map(filter).unwrap_or_default(),
        remarks: told.map(remark).collect(),
    }
}

/// Which hosts are reported, in words.
fn filter(source: &Source) -> String {
    let filters = &source.filters;
    let how = match filters.filter_type.as_deref() {
        Some("wildcards") => "as wildcards",
        Some("regex") => "as regular expressions",
        _ => "as wildcards or as regular expressions",
    };
    let mut parts = Vec::new();
    for (list, verb) in [
        (&filters.exclude_hosts, "not hosts like"),
        (&filters.filter_hosts, "only hosts like"),
        (&filters.exclude_host_parents, "not below"),
        (&filters.filter_host_parents, "only below"),
    ] {
        if let Some(list) = list {
            parts.push(format!("{verb} {}", list.join(", ")));
        }
    }
    if parts.is_empty() {
        return if source.local {
            "the guests of this machine".to_owned()
        } else {
            "all hosts".to_owned()
        };
    }
    format!("{} ({how}, by id or name)", parts.join("; "))
}

impl Explanation {
    /// The explanation for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "Files")?;
        for file in &self.files {
            writeln!(out, "  {}: {}", file.path, file.outcome)?;
        }
        writeln!(out, "Global")?;
        for value in &self.global {
            writeln!(
                out,
                "  {} = {}  ({})",
                value.name, value.value, value.origin
            )?;
        }
        for remark in &self.remarks {
            writeln!(out, "  {}: {}", remark.level, remark.text)?;
        }
        for (sections, what) in [(&self.sources, "Source"), (&self.dropped, "Dropped")] {
            for section in sections {
                writeln!(out, "{what} [{}] ({})", section.name, section.origin)?;
                if let Some(kind) = &section.kind {
                    match &section.server {
                        Some(server) => writeln!(out, "  reads {kind} {server}")?,
                        None => writeln!(out, "  reads {kind}")?,
                    }
                    writeln!(out, "  reports {}", section.filter)?;
                }
                for destination in &section.destinations {
                    writeln!(out, "  to {destination}")?;
                }
                for value in &section.options {
                    writeln!(
                        out,
                        "    {} = {}  ({})",
                        value.name, value.value, value.origin
                    )?;
                }
                for remark in &section.remarks {
                    writeln!(out, "  {}: {}", remark.level, remark.text)?;
                }
            }
        }
        Ok(())
    }
}
