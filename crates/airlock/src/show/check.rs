//! What a check found, for people.

use airlock_model::{BrokenPackage, CheckReport};
use unicode_width::UnicodeWidthStr as _;

use super::plain;
use super::plan::count;

/// The widest a line gets.
const WIDTH: usize = 100;

/// The report; what is broken in the baseline, too, comes last.
#[must_use]
pub fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    let (known, new): (Vec<_>, Vec<_>) = report.broken.iter().partition(|one| one.in_baseline);
    for (list, remark) in [(new, ""), (known, ", and broken in the baseline")] {
        for package in list {
            told(package, remark, &mut text);
        }
    }
    let packages = count(report.packages, "package");
    let mut line = format!("{}: {packages} checked", report.channel);
    if !report.with.is_empty() {
        line.push_str(&format!(" with {}", report.with.join(", ")));
    }
    line.push_str(&match report.broken.len() {
        0 => ", all can be installed".to_owned(),
        1 => ", 1 cannot be installed".to_owned(),
        broken => format!(", {broken} cannot be installed"),
    });
    push_wrapped(&line, "", &mut text);
    if report.recommendations_unmet > 0 {
        let line = match report.recommendations_unmet {
            1 => "1 recommendation is met by nothing there".to_owned(),
            many => format!("{many} recommendations are met by nothing there"),
        };
        push_wrapped(
            &format!("{line}, which breaks nothing (--json names them)"),
            "",
            &mut text,
        );
    }
    if let Some(baseline) = &report.baseline {
        let line = format!(
            "compared with {baseline}: {} newly broken",
            report.newly_broken
        );
        push_wrapped(&line, "", &mut text);
    }
    plain(&text)
}

fn told(package: &BrokenPackage, remark: &str, text: &mut String) {
    let since = package
        .since
        .map(|number| format!("since version {number}"))
        .unwrap_or_default();
    let remark = match since.is_empty() {
        true => remark.trim_start_matches(", ").to_owned(),
        false => format!("{since}{remark}"),
    };
    let remark = match remark.is_empty() {
        true => String::new(),
        false => format!("  ({remark})"),
    };
    push_wrapped(&format!("{}{remark}", package.nevra), "", text);
    for line in package.problem.lines() {
        push_wrapped(line, "  ", text);
    }
}

/// A line with some columns free in front, broken between words where it would be too wide.
fn push_wrapped(line: &str, indent: &str, text: &mut String) {
    let mut width = indent.len();
    text.push_str(indent);
    for (number, word) in line.split(' ').enumerate() {
        let long = word.width();
        if number > 0 {
            if width + 1 + long > WIDTH {
                text.push('\n');
                text.push_str(indent);
                text.push_str("    ");
                width = indent.len() + 4;
            } else {
                text.push(' ');
                width += 1;
            }
        }
        text.push_str(word);
        width += long;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_fit_100_columns() {
        let broken = |nevra: &str, problem: &str, in_baseline| BrokenPackage {
            nevra: nevra.into(),
            problem: problem.into(),
            since: Some(3),
            in_baseline,
        };
        let providers = ["lib-1-1.x86_64"; 8].join(", ");
        let report = CheckReport {
            channel: "el9-extra@7".into(),
            with: vec!["el9-base@12".into()],
            baseline: Some("el9-extra@6".into()),
            packages: 1203,
            broken: vec![
                broken(
                    "old-1-1.noarch",
                    "old-1-1.noarch needs gone, which nothing provides",
                    true,
                ),
                broken(
                    "app-2-1.x86_64",
                    &format!(
                        "app-2-1.x86_64 needs lib, provided by {providers}\nlib-1-1.x86_64 needs x, which nothing provides"
                    ),
                    false,
                ),
            ],
            newly_broken: 1,
            recommendations_unmet: 2,
            recommendations: Vec::new(),
        };
        insta::assert_snapshot!(text(&report), @r"
        app-2-1.x86_64  (since version 3)
          app-2-1.x86_64 needs lib, provided by lib-1-1.x86_64, lib-1-1.x86_64, lib-1-1.x86_64,
              lib-1-1.x86_64, lib-1-1.x86_64, lib-1-1.x86_64, lib-1-1.x86_64, lib-1-1.x86_64
          lib-1-1.x86_64 needs x, which nothing provides
        old-1-1.noarch  (since version 3, and broken in the baseline)
          old-1-1.noarch needs gone, which nothing provides
        el9-extra@7: 1203 packages checked with el9-base@12, 2 cannot be installed
        2 recommendations are met by nothing there, which breaks nothing (--json names them)
        compared with el9-extra@6: 1 newly broken
        ");
        assert!(text(&report).lines().all(|line| line.width() <= WIDTH));
        let well = CheckReport {
            broken: Vec::new(),
            newly_broken: 0,
            recommendations_unmet: 0,
            ..report
        };
        assert_eq!(
            text(&well),
            "el9-extra@7: 1203 packages checked with el9-base@12, all can be installed\n\
             compared with el9-extra@6: 0 newly broken\n"
        );
    }
}
