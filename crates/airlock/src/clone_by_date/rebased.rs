//! `--apply FILE --rebase`: plans that the channels have left behind are made again before anything is shown or asked, and
//! written beside the old ones, so that what was applied can be taken back.

use std::path::{Path, PathBuf};

use airlock_model::{Plan, PlannedVersion};

use super::flow::{fetch, read, run_plan, write};
use super::written::Written;
use crate::command::Context;
use crate::fail::{Fail, Result};

/// Plans anew what the channels have left behind; the other plans stay as they are.
pub async fn rebase(context: &Context, plans: Vec<Written>) -> Result<Vec<Written>> {
    let mut all: Vec<Written> = Vec::new();
    for written in plans {
        let Some((task, _)) = run_plan(context, &written.plan.request).await? else {
            return Err(Fail::new("the server gave no plan").hint("try again"));
        };
        let (plan, bytes) = fetch(context, task).await?;
        if seen(&plan) == seen(&written.plan) {
            all.push(written);
            continue;
        }
        let taken: Vec<&PathBuf> = all.iter().map(|other| &other.file).collect();
        let file = beside(&written.file, &bytes, &taken)?;
        eprintln!(
            "note: channels have moved on since {} was made: this is what was planned instead",
            written.file.display()
        );
        all.push(Written {
            file,
            bytes,
            plan,
            is_new: true,
        });
    }
    Ok(all)
}

/// Writes down the plans that are about to be applied and are in no file yet.
pub fn keep(plans: &[Written]) -> Result {
    for written in plans.iter().filter(|written| written.is_new) {
        write(&written.file, &written.bytes)?;
        let file = written.file.display();
        eprintln!(
            "note: that plan is in {file}: airlock clone-by-date --undo {file} takes it back"
        );
    }
    Ok(())
}

/// What a plan saw of the channels. Of a version its content counts: numbers differ between servers.
fn seen(plan: &Plan) -> Vec<(&str, Option<&str>, bool)> {
    fn of(version: &PlannedVersion, made: bool) -> (&str, Option<&str>, bool) {
        (version.label.as_str(), version.digest.as_deref(), made)
    }
    let mut all = Vec::new();
    for channel in &plan.channels {
        all.push(of(&channel.source, false));
        all.push(of(&channel.destination, channel.create.is_some()));
    }
    // Of the sources' base only its label counts when a plan is applied.
    let parents = plan.parents.iter();
    all.extend(parents.map(|parents| of(&parents.destination, false)));
    all.extend(plan.children.iter().map(|child| of(&child.channel, false)));
    all
}

/// `q1.rebased.json` beside `q1.json`, `q1.rebased.json.2` beside `q1.json.2`; with a number where another plan is there.
fn beside(file: &Path, bytes: &[u8], taken: &[&PathBuf]) -> Result<PathBuf> {
    let name = match file.file_name() {
        Some(name) if file != Path::new("-") => name.to_string_lossy().into_owned(),
        _ => "plan.json".to_owned(),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (name, number) = match name.rsplit_once('.') {
        Some((name, number)) if is_number(number) => (name, format!(".{number}")),
        _ => (&*name, String::new()),
    };
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    // One that was made so itself keeps its name.
    let stem = match stem.rsplit_once(".rebased") {
        Some((stem, rest)) if rest.strip_prefix('-').is_none_or(is_number) => stem,
        _ => stem,
    };
    let mut again = 1;
    loop {
        let count = match again {
            1 => String::new(),
            _ => format!("-{again}"),
        };
        let found = file.with_file_name(format!("{stem}.rebased{count}{extension}{number}"));
        let is_free = !taken.contains(&&found) && (!found.exists() || read(&found)? == bytes);
        if is_free {
            return Ok(found);
        }
        again += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_made_again_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (file, made) in [
            ("q1.json", "q1.rebased.json"),
            ("q1.json.2", "q1.rebased.json.2"),
            ("q1", "q1.rebased"),
            ("q1.rebased.json", "q1.rebased.json"),
            ("q1.rebased-7.json", "q1.rebased.json"),
            ("a.b.json", "a.b.rebased.json"),
        ] {
            assert_eq!(beside(&at(file), b"plan", &[]).unwrap(), at(made), "{file}");
        }
        assert_eq!(
            beside(Path::new("-"), b"plan", &[]).unwrap(),
            Path::new("plan.rebased.json")
        );
        // What is there already is another plan, or the same.
        std::fs::write(at("q1.rebased.json"), "plan").unwrap();
        let (first, second) = (at("q1.rebased.json"), at("q1.rebased-2.json"));
        assert_eq!(beside(&at("q1.json"), b"plan", &[]).unwrap(), first);
        assert_eq!(beside(&at("q1.json"), b"other", &[]).unwrap(), second);
        assert_eq!(beside(&at("q1.json"), b"plan", &[&first]).unwrap(), second);
    }
}
