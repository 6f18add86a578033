//! A hand-made plan in every form.

use airlock_content::{read_plan, write_plan};
use airlock_model::{
    Beyond, ClonePair, CloneRequest, ErratumReason, Instant, NakedCounts, OpenCause,
    OpenRequirement, PackageReason, Plan, PlannedBroken, PlannedChannel, PlannedChild,
    PlannedCreation, PlannedErratum, PlannedPackage, PlannedRemoval, PlannedVersion, RemovalReason,
    UnmetRecommendation,
};
use unicode_width::UnicodeWidthStr;

use super::{csv, html, summary, text};

fn version(label: &str, version: Option<i64>) -> PlannedVersion {
    PlannedVersion {
        label: label.parse().unwrap(),
        version,
        digest: version.map(|_| "0".repeat(64)),
    }
}

fn package(nevra: &str, replaces: Option<&str>, reason: PackageReason) -> PlannedPackage {
    PlannedPackage {
        nevra: nevra.into(),
        checksum: format!("sha256:{}", "a".repeat(64)),
        replaces: replaces.map(str::to_owned),
        reason,
        beyond: None,
        inferred: false,
    }
}

fn needed(by: &str, requires: &str, advisory: Option<&str>) -> PackageReason {
    PackageReason::Needed {
        by: by.into(),
        requires: requires.into(),
        advisory: advisory.map(str::to_owned),
    }
}

fn erratum(advisory: &str, kind: &str, title: &str, reason: ErratumReason) -> PlannedErratum {
    PlannedErratum {
        advisory: advisory.into(),
        published_as: advisory.replacen("RH", "CL-", 1),
        digest: "b".repeat(64),
        kind: kind.into(),
        severity: String::new(),
        title: title.into(),
        issued: "2026-03-02T00:00:00Z".parse().ok(),
        updated: "2026-03-05T00:00:00Z".parse().ok(),
        cves: Vec::new(),
        reason,
        beyond: false,
    }
}

/// A base that is made and an existing child, with something of everything.
pub fn plan() -> Plan {
    let pair = |source: &str, destination: &str| ClonePair {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        name: None,
        summary: None,
        description: None,
    };
    let empty = PlannedChannel {
        files_change: false,
        source: version("el9-base", Some(7)),
        destination: version("el9-2026q1", None),
        create: None,
        errata_available: 5,
        kept: 0,
        errata: Vec::new(),
        packages: Vec::new(),
        removals: Vec::new(),
        errata_removed: Vec::new(),
        by_hand: Vec::new(),
        left_out: Vec::new(),
        reaches: None,
        open: Vec::new(),
        broken: Vec::new(),
        recommendations: Vec::new(),
        files: Vec::new(),
        naked: NakedCounts::default(),
    };
    let base = PlannedChannel {
        create: Some(PlannedCreation {
            name: "el9-2026q1".into(),
            summary: "el9-2026q1".into(),
            description: "el9-2026q1".into(),
            parent: None,
        }),
        errata: vec![
            erratum("RHBA-2026:1", "bugfix", "app update", ErratumReason::Date),
            PlannedErratum {
                severity: "Important".into(),
                issued: "2026-03-03T12:30:00Z".parse().ok(),
                updated: None,
                cves: vec!["CVE-2026-0001".into(), "CVE-2026-0002".into()],
                ..erratum(
                    "RHSA-2026:2",
                    "security",
                    "<b>openssl</b> & \"friends\"",
                    ErratumReason::Date,
                )
            },
            PlannedErratum {
                issued: Some(Instant::from_seconds(1_778_000_000)),
                beyond: true,
                ..erratum(
                    "RHEA-2026:9",
                    "enhancement",
                    "=cmd|' /C calc'!A0",
                    ErratumReason::Needed {
                        package: "libbar-3-1.x86_64".into(),
                        by: "libfoo-2-1.x86_64".into(),
                        requires: "libbar >= 3".into(),
                    },
                )
            },
        ],
        packages: vec![
            package(
                "app-1-1.x86_64",
                None,
                PackageReason::Erratum {
                    advisory: "RHBA-2026:1".into(),
                },
            ),
            package("bash-5.1-1.x86_64", None, PackageReason::OriginalState),
            PlannedPackage {
                beyond: Some(Beyond::Erratum),
                ..package(
                    "libbar-3-1.x86_64",
                    Some("2-1"),
                    needed("libfoo-2-1.x86_64", "libbar >= 3", Some("RHEA-2026:9")),
                )
            },
            PlannedPackage {
                beyond: Some(Beyond::Erratum),
                ..package(
                    "libbar-tools-3-1.x86_64",
                    None,
                    PackageReason::WithErratum {
                        advisory: "RHEA-2026:9".into(),
                    },
                )
            },
            PlannedPackage {
                beyond: Some(Beyond::Build),
                inferred: true,
                ..package(
                    "libfoo-2-1.x86_64",
                    None,
                    needed("app-1-1.x86_64", "libfoo >= 2", None),
                )
            },
            package(
                "openssl-1:3.0.7-2.x86_64",
                None,
                PackageReason::Erratum {
                    advisory: "RHSA-2026:2".into(),
                },
            ),
        ],
        naked: NakedCounts {
            all: 2980,
            first_seen: 12,
            build_date: 40,
        },
        ..empty.clone()
    };
    let child = PlannedChannel {
        source: version("el9-extra", Some(3)),
        destination: version("el9-2026q1-extra", Some(2)),
        errata_available: 1,
        kept: 12,
        packages: vec![package(
            "old-lib-1-2.noarch",
            Some("1-1"),
            PackageReason::Revised {
                advisory: "RHBA-2025:7".into(),
            },
        )],
        removals: vec![PlannedRemoval {
            nevra: "compat-glibc-2-1.x86_64".into(),
            checksum: format!("sha256:{}", "c".repeat(64)),
            reason: RemovalReason::Removelist {
                pattern: "compat-.*".into(),
            },
        }],
        errata_removed: vec!["CL-BA-2025:3".into()],
        by_hand: vec!["own-tool-1-1.noarch".into()],
        left_out: vec!["unwanted-3-1.noarch".into()],
        reaches: Some(jiff::civil::date(2026, 6, 30)),
        open: vec![
            OpenRequirement {
                package: "gui-4-1.x86_64".into(),
                requires: "libtoolkit.so.4()(64bit)".into(),
                cause: OpenCause::KeptOut,
                providers: vec!["toolkit-4-1.x86_64".into(), "toolkit-4-2.x86_64".into()],
            },
            OpenRequirement {
                package: "odd-1-1.noarch".into(),
                requires: "nowhere".into(),
                cause: OpenCause::Source,
                providers: Vec::new(),
            },
        ],
        recommendations: vec![UnmetRecommendation {
            package: "gui-4-1.x86_64".into(),
            recommends: "themes >= 2".into(),
            providers: vec!["themes-2-1.noarch".into()],
        }],
        broken: vec![
            PlannedBroken {
                nevra: "twin-1-1.x86_64".into(),
                problem: vec![
                    "twin-1-1.x86_64 requires left".into(),
                    "left-1-1.x86_64 conflicts with twin".into(),
                ],
                source_broken: false,
            },
            PlannedBroken {
                nevra: "worse-1-1.x86_64".into(),
                problem: vec!["worse-1-1.x86_64 requires nowhere".into()],
                source_broken: true,
            },
        ],
        ..empty
    };
    Plan {
        format: Plan::FORMAT,
        request: CloneRequest {
            channels: vec![
                pair("el9-base", "el9-2026q1"),
                pair("el9-extra", "el9-2026q1-extra"),
            ],
            to_date: Some(jiff::civil::date(2026, 3, 31)),
            ..CloneRequest::default()
        },
        parents: None,
        channels: vec![base, child],
        unknown_errata: Vec::new(),
        children: vec![PlannedChild {
            channel: version("el9-2026q1-own", Some(3)),
            broken: vec![PlannedBroken {
                nevra: "own-app-1-1.noarch".into(),
                problem: vec!["own-app-1-1.noarch requires compat-glibc".into()],
                source_broken: false,
            }],
        }],
        digest: None,
    }
}

#[test]
fn it_is_a_plan() {
    let bytes = write_plan(&plan()).unwrap();
    assert_eq!(read_plan(&bytes).unwrap(), plan());
}

#[test]
fn in_short() {
    let text = summary::creations(&plan(), &[]) + &summary::text(&plan());
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    insta::assert_snapshot!("summary", text);
    insta::assert_snapshot!(summary::surprising_text(&plan()), @r"
    el9-2026q1:
      surprises: 3 packages and 1 erratum newer than 2026-03-31
        RHEA-2026:9: libfoo-2-1.x86_64 requires libbar >= 3, which its package libbar-3-1.x86_64
            provides; its date is later
        libbar-3-1.x86_64: libfoo-2-1.x86_64 requires libbar >= 3 (erratum RHEA-2026:9 brings it); every
            erratum that lists it is later
        libbar-tools-3-1.x86_64: it comes with erratum RHEA-2026:9; every erratum that lists it is later
        libfoo-2-1.x86_64: app-1-1.x86_64 requires libfoo >= 2; it was built later
    ");
}

#[test]
fn why_a_package_cannot_be_installed_is_told_down_to_the_cause() {
    let broken = |steps: usize| PlannedBroken {
        nevra: "app-2-1.noarch".into(),
        problem: (1..=steps)
            .map(|step| match step {
                1 => "app-2-1.noarch needs lib >= 2, provided by lib-2-1.noarch".into(),
                _ => format!("step {step}"),
            })
            .collect(),
        source_broken: false,
    };
    assert_eq!(
        super::chain(&broken(2), "    "),
        "    app-2-1.noarch needs lib >= 2, provided by lib-2-1.noarch\n      step 2\n"
    );
    let long = super::chain(&broken(9), "");
    assert!(
        long.ends_with("  step 4\n  … 4 more steps …\n  step 9\n"),
        "{long}"
    );
    assert_eq!(super::chain(&broken(0), ""), "app-2-1.noarch\n");
    let mut plan = plan();
    plan.channels[0].broken = vec![broken(3)];
    let text = summary::text(&plan);
    assert!(text.contains("\n      step 2\n      step 3\n"), "{text}");
}

#[test]
fn an_epoch_of_zero_is_on_neither_side() {
    let mut plan = plan();
    let mut package = package(
        "database-15.2-1.noarch",
        Some("0:15.1-1"),
        PackageReason::OriginalState,
    );
    plan.channels[0].packages = vec![package.clone()];
    assert!(text::text(&plan).contains("database.noarch  15.1-1 → 15.2-1  because"));
    assert!(csv::csv(&plan).contains("database.noarch,15.1-1,15.2-1,"));
    package.nevra = "database-1:1-1.noarch".into();
    plan.channels[0].packages = vec![package];
    assert!(text::text(&plan).contains("database.noarch  15.1-1 → 1:1-1  because"));
}

#[test]
fn many_names_are_counted() {
    let mut plan = plan();
    let one = plan.channels[0].packages[2].clone();
    plan.channels[0].packages = vec![one; 50];
    let text = summary::text(&plan);
    assert!(
        text.contains("surprises: 50 packages and 1 erratum newer than 2026-03-31"),
        "{text}"
    );
    assert!(text.contains("    … and 46 more; --dry-run"), "{text}");
    // Nothing at all.
    plan.channels.truncate(1);
    plan.children.clear();
    let channel = &mut plan.channels[0];
    channel.create = None;
    channel.packages.clear();
    channel.naked = NakedCounts::default();
    channel.errata.clear();
    assert_eq!(
        summary::text(&plan),
        "clone by date: errata up to 2026-03-31 by issue date\n\
         el9-base -> el9-2026q1 (0/5 Errata)\n  packages: +0 -0, 0 stay\n  nothing changes\n"
    );
    assert_eq!(summary::surprising_text(&plan), "");
    assert_eq!(summary::creations(&plan, &[]), "");
}

#[test]
fn as_text() {
    let text = text::text(&plan());
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
    insta::assert_snapshot!("text", text);
}

#[test]
fn as_csv() {
    let text = csv::csv(&plan());
    // As many cells in each line as in the first, were it read by a spreadsheet.
    for line in text.trim_end().split("\r\n") {
        let quotes = line.matches('"').count();
        assert_eq!(quotes % 2, 0, "{line}");
    }
    insta::assert_snapshot!("csv", text.replace("\r\n", "\n"));
}

#[test]
fn as_a_page() {
    let text = html::html(&plan());
    insta::assert_snapshot!("html", text);
    for outside in [
        "<script", "src=", "href=", "http:", "https:", "@import", "url(",
    ] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.contains("&lt;b&gt;openssl&lt;/b&gt; &amp; &quot;friends&quot;"));
    assert!(text.contains("prefers-color-scheme:dark"));
    // Every element that is opened is closed.
    for name in [
        "table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "div", "body", "html",
    ] {
        let opened =
            text.matches(&format!("<{name}>")).count() + text.matches(&format!("<{name} ")).count();
        assert_eq!(
            opened,
            text.matches(&format!("</{name}>")).count(),
            "{name}"
        );
    }
}
