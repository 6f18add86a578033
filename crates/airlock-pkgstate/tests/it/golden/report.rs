//! What passed and what failed.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::Value;

use super::Folder;
use super::deviations::Deviations;

/// Counts cases and keeps what was different.
pub struct Report {
    section: &'static str,
    deviations: Deviations,
    sections: Vec<(&'static str, usize, usize)>,
    skipped: Vec<String>,
    notes: Vec<String>,
    only_legacy: usize,
    failed: Vec<(String, String)>,
}

/// One case while it is looked at.
pub struct Case<'r> {
    report: &'r mut Report,
    name: String,
    differences: String,
}

impl Report {
    pub fn new(folder: &Folder) -> Self {
        Self {
            section: "",
            deviations: Deviations::read(folder),
            sections: Vec::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            only_legacy: 0,
            failed: Vec::new(),
        }
    }

    pub fn begin(&mut self, section: &'static str) {
        self.section = section;
        self.sections.push((section, 0, 0));
    }

    /// Notes a section, or a part of one, that the folder has nothing for.
    pub fn skip(&mut self, section: &str, absent: &[&str]) {
        self.skipped.push(format!(
            "{section} (the folder has no {})",
            absent.join(", ")
        ));
    }

    /// Failed cases that `legacy_quirks` meets.
    pub fn only_legacy(&mut self, part: &str, names: &[String]) {
        self.only_legacy += names.len();
        self.notes.push(format!(
            "{part}: met by legacy_quirks only: {}",
            names.join(" ")
        ));
    }

    /// Looks at one case: `compare` names its members by [`Case::member`]. A panic inside is a failure of this case.
    pub fn case(&mut self, name: &str, compare: impl FnOnce(&mut Case<'_>)) {
        let mut case = Case {
            report: self,
            name: name.to_owned(),
            differences: String::new(),
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compare(&mut case)));
        if done.is_err() {
            case.differences.push_str("    it panicked (see above)\n");
        }
        let Case {
            name, differences, ..
        } = case;
        let Some((section, passed, failed)) = self.sections.last_mut() else {
            panic!("no section was begun");
        };
        match differences.is_empty() {
            true => *passed += 1,
            false => {
                *failed += 1;
                self.failed.push((format!("{section}/{name}"), differences));
            }
        }
    }

    /// Prints the outcome past the capture of the test harness.
    pub fn finish(self) {
        let mut text = String::new();
        for (name, differences) in &self.failed {
            let _ = write!(text, "FAILED {name}\n{differences}");
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "left out: {skipped}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        for unused in self.deviations.unused() {
            let _ = writeln!(text, "deviation of nothing that ran: {unused}");
        }
        for (section, passed, failed) in &self.sections {
            let _ = writeln!(text, "{section}: {passed} passed, {failed} failed");
        }
        let total = |of: fn(&(&str, usize, usize)) -> usize| self.sections.iter().map(of).sum();
        let (passed, failed): (usize, usize) = (total(|one| one.1), total(|one| one.2));
        let _ = writeln!(text, "deliberate differences: {}", self.deviations.count());
        let _ = writeln!(text, "{passed} passed, {failed} failed");
        if self.only_legacy > 0 {
            let count = self.only_legacy;
            let _ = writeln!(text, "{count} of the failed are met by legacy_quirks only");
        }
        if failed > 0 {
            let names: Vec<&str> = self.failed.iter().map(|(name, _)| name.as_str()).collect();
            let _ = writeln!(text, "failed: {}", names.join(" "));
        }
        std::io::stdout().write_all(text.as_bytes()).unwrap();
        assert_eq!(
            failed, 0,
            "{failed} golden cases differ; they are named above"
        );
        assert!(passed > 0, "the folder has no cases");
    }
}

impl Case<'_> {
    /// Compares one member of the result with the golden value, or with what is expected instead on purpose.
    pub fn member(&mut self, member: &str, golden: impl Into<Value>, here: impl Into<Value>) {
        let expected = self.expected(member, golden);
        self.compare(member, expected, here);
    }

    /// The golden value of a member, or what is expected instead on purpose: for members that are not compared as they
    /// are written.
    pub fn expected(&mut self, member: &str, golden: impl Into<Value>) -> Value {
        let section = self.report.section;
        let deviations = &mut self.report.deviations;
        deviations.apply(section, &self.name, member, golden.into())
    }

    /// Compares what was made of [`Case::expected`].
    pub fn compare(&mut self, member: &str, expected: impl Into<Value>, here: impl Into<Value>) {
        let (expected, here) = (expected.into(), here.into());
        if expected != here {
            let _ = writeln!(self.differences, "    {member}:");
            difference(&expected, &here, &mut self.differences);
        }
    }
}

/// Lines of long texts that differ, else both values.
fn difference(expected: &Value, here: &Value, out: &mut String) {
    if let (Some(expected), Some(here)) = (expected.as_str(), here.as_str())
        && (expected.contains('\n') || here.contains('\n'))
    {
        let (left, right): (Vec<_>, Vec<_>) =
            (expected.split('\n').collect(), here.split('\n').collect());
        for number in 0..left.len().max(right.len()) {
            let (one, two) = (left.get(number), right.get(number));
            if one != two {
                let _ = writeln!(out, "      line {}: expected {one:?}", number + 1);
                let _ = writeln!(out, "      {}  here     {two:?}", " ".repeat(4));
            }
        }
        return;
    }
    let _ = writeln!(out, "      expected {expected}");
    let _ = writeln!(out, "      here     {here}");
}
