//! The files that a dry run of the old tool wrote: one for each pair, a line for each selected erratum.

use std::io::Write;
use std::path::{Path, PathBuf};

use airlock_model::{ErratumReason, Instant, Plan, PlannedChannel, PlannedErratum};
use jiff::civil::DateTime;

use crate::fail::{Fail, Result};
use crate::show::plain;

/// Writes the files of a plan into a folder; returns their paths.
pub fn write(folder: &Path, plan: &Plan, now: DateTime) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for channel in &plan.channels {
        let path = folder.join(file_name(channel, now));
        let failed = |error: &std::io::Error| Fail::file("cannot write", &path, error);
        // The name can be guessed: whatever lies there is replaced, never followed.
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| failed(&error))?;
        file.write_all(text(channel).as_bytes())
            .map_err(|error| failed(&error))?;
        file.persist(&path).map_err(|error| failed(&error.error))?;
        paths.push(path);
    }
    Ok(paths)
}

/// `SRC_to_DST_YYYY-MM-DD-HH:MM`.
fn file_name(channel: &PlannedChannel, now: DateTime) -> String {
    format!(
        "{}_to_{}_{}",
        channel.source.label,
        channel.destination.label,
        now.strftime("%Y-%m-%d-%H:%M")
    )
}

/// A line for each erratum that date or name selected; what dependencies bring was never in it.
fn text(channel: &PlannedChannel) -> String {
    channel
        .errata
        .iter()
        .filter(|erratum| {
            matches!(
                erratum.reason,
                ErratumReason::Date | ErratumReason::Named | ErratumReason::Recorded
            )
        })
        .map(line)
        .collect()
}

fn line(erratum: &PlannedErratum) -> String {
    let cells = [
        erratum.advisory.clone(),
        type_name(&erratum.kind).to_owned(),
        date(erratum.issued),
        date(erratum.updated),
        erratum.title.clone(),
    ];
    let mut line = String::new();
    for cell in cells {
        line.push_str(&plain(&cell).replace(['\n', '\t'], " "));
        line.push('|');
    }
    line.push('\n');
    line
}

/// The old word for a type.
fn type_name(kind: &str) -> &'static str {
    match kind {
        "security" => "Security Advisory",
        "bugfix" | "recommended" => "Bug Fix Advisory",
        _ => "Product Enhancement Advisory",
    }
}

/// As the old tool printed dates: `2026-03-31 00:00:00`.
fn date(instant: Option<Instant>) -> String {
    let read = instant.and_then(|at| jiff::Timestamp::from_microsecond(at.0).ok());
    read.map_or_else(String::new, |time| {
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_runs_are_written_as_of_old() {
        let folder = tempfile::tempdir().unwrap();
        let plan = crate::show::plan::tests::plan();
        let now = jiff::civil::date(2026, 4, 1).at(9, 5, 59, 0);
        let paths = write(folder.path(), &plan, now).unwrap();
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "el9-base_to_el9-2026q1_2026-04-01-09:05",
                "el9-extra_to_el9-2026q1-extra_2026-04-01-09:05"
            ]
        );
        assert_eq!(
            std::fs::read_to_string(&paths[0]).unwrap(),
            "RHBA-2026:1|Bug Fix Advisory|2026-03-02 00:00:00|2026-03-05 00:00:00|app update|\n\
             RHSA-2026:2|Security Advisory|2026-03-03 12:30:00||<b>openssl</b> & \"friends\"|\n"
        );
        assert_eq!(std::fs::read_to_string(&paths[1]).unwrap(), "");
        // Again in the same minute.
        assert_eq!(write(folder.path(), &plan, now).unwrap(), paths);
    }
}
