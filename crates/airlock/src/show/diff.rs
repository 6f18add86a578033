//! A comparison as text and CSV.

use airlock_content::split_nevra;
use airlock_model::DiffReport;

use super::csv::cell;
use super::plain;

/// For people.
#[must_use]
pub fn text(reports: &[DiffReport]) -> String {
    let mut text = String::new();
    for report in reports {
        text.push_str(&format!("{} → {}\n", report.from, report.to));
        let before = text.len();
        for change in &report.upgraded {
            text.push_str(&format!(
                "  upgraded    {}.{}  {} → {}\n",
                change.name, change.arch, change.from, change.to
            ));
        }
        for change in &report.downgraded {
            text.push_str(&format!(
                "  downgraded  {}.{}  {} → {}\n",
                change.name, change.arch, change.from, change.to
            ));
        }
        for package in &report.added {
            text.push_str(&format!("  added       {}\n", package.nevra));
        }
        for package in &report.removed {
            text.push_str(&format!("  removed     {}\n", package.nevra));
        }
        let lists: [(&str, &[String]); 4] = [
            ("errata added  ", &report.errata_added),
            ("errata removed", &report.errata_removed),
            ("CVEs added    ", &report.cves_added),
            ("files changed ", &report.attachments_changed),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                text.push_str(&format!("  {name}  {}\n", list.join(" ")));
            }
        }
        if text.len() == before {
            text.push_str("  no difference\n");
        }
    }
    plain(&text)
}

/// For spreadsheets: `from,to,change,name,arch,before,after`; before and after are `[epoch:]version-release`, the one of a
/// package that came, the other of one that went, empty.
#[must_use]
pub fn csv(reports: &[DiffReport]) -> String {
    let mut text = String::from("from,to,change,name,arch,before,after\r\n");
    for report in reports {
        let mut row = |change: &str, name: &str, arch: &str, before: &str, after: &str| {
            let cells = [
                report.from.as_str(),
                report.to.as_str(),
                change,
                name,
                arch,
                before,
                after,
            ]
            .map(cell);
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        };
        for c in &report.upgraded {
            row("upgraded", &c.name, &c.arch, &c.from, &c.to);
        }
        for c in &report.downgraded {
            row("downgraded", &c.name, &c.arch, &c.from, &c.to);
        }
        for package in &report.added {
            let (name, evr, arch) = split_nevra(&package.nevra);
            row("added", name, arch, "", evr);
        }
        for package in &report.removed {
            let (name, evr, arch) = split_nevra(&package.nevra);
            row("removed", name, arch, evr, "");
        }
        for (change, list) in [
            ("erratum added", &report.errata_added),
            ("erratum removed", &report.errata_removed),
            ("CVE added", &report.cves_added),
            ("file changed", &report.attachments_changed),
        ] {
            for name in list {
                row(change, name, "", "", "");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_model::{EvrChange, PackageRef};

    fn report() -> DiffReport {
        DiffReport {
            from: "el9-base@6".into(),
            to: "el9-base@7".into(),
            added: vec![PackageRef {
                nevra: "new-tool-2:1-1.noarch".into(),
                checksum: "sha256:ab".into(),
            }],
            removed: vec![PackageRef {
                nevra: "old-1-1.el9.src".into(),
                checksum: "sha256:cd".into(),
            }],
            upgraded: vec![EvrChange {
                name: "bash".into(),
                arch: "x86_64".into(),
                from: "5-1".into(),
                to: "5-2".into(),
            }],
            errata_added: vec!["=cmd()".into(), "A,\"B\"".into()],
            ..DiffReport::default()
        }
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(text(&[report()]), @r#"
        el9-base@6 → el9-base@7
          upgraded    bash.x86_64  5-1 → 5-2
          added       new-tool-2:1-1.noarch
          removed     old-1-1.el9.src
          errata added    =cmd() A,"B"
        "#);
        assert_eq!(
            text(&[DiffReport {
                from: "a".into(),
                to: "b".into(),
                ..DiffReport::default()
            }]),
            "a → b\n  no difference\n"
        );
        let csv = csv(&[report()]);
        let lines: Vec<&str> = csv.split("\r\n").collect();
        assert_eq!(
            lines,
            [
                "from,to,change,name,arch,before,after",
                "el9-base@6,el9-base@7,upgraded,bash,x86_64,5-1,5-2",
                "el9-base@6,el9-base@7,added,new-tool,noarch,,2:1-1",
                "el9-base@6,el9-base@7,removed,old,src,1-1.el9,",
                "el9-base@6,el9-base@7,erratum added,'=cmd(),,,",
                "el9-base@6,el9-base@7,erratum added,\"A,\"\"B\"\"\",,,",
                ""
            ]
        );
    }
}
