//! Chains of reasons, and reasons for what is not there.

use airlock_content::{plan_about, split_nevra};
use airlock_model::{ErratumRow, Instant, Naked, PackageRow, Plan};

use super::absent::{Facts, absent, not_open};
use super::in_plan;
use crate::show::plan::tests::plan;

fn said(plan: &Plan, typed: &str) -> Vec<String> {
    in_plan(plan, typed)
        .into_iter()
        .map(|lines| lines.join("; "))
        .collect()
}

/// What stands in a part is what stands in the whole.
#[test]
fn a_part_of_a_plan_explains_its_name_as_the_whole_does() {
    let plan = plan();
    let mut names: Vec<String> = Vec::new();
    for channel in &plan.channels {
        names.extend(channel.packages.iter().map(|one| one.nevra.clone()));
        names.extend(channel.removals.iter().map(|one| one.nevra.clone()));
        names.extend(channel.broken.iter().map(|one| one.nevra.clone()));
        names.extend(channel.errata_removed.iter().cloned());
        names.extend(channel.by_hand.iter().cloned());
        for erratum in &channel.errata {
            names.push(erratum.advisory.clone());
            names.push(erratum.published_as.clone());
        }
        for open in &channel.open {
            names.push(open.requires.clone());
            names.push(open.package.clone());
            names.extend(open.providers.iter().cloned());
        }
    }
    let short = |nevra: &String| split_nevra(nevra).0.to_owned();
    names.extend(names.clone().iter().map(short));
    assert!(names.len() > 20, "{names:?}");
    for name in &names {
        let part = plan_about(&plan, name);
        assert_eq!(in_plan(&part, name), in_plan(&plan, name), "{name}");
    }
    let nothing = plan_about(&plan, "nobody");
    assert!(
        nothing
            .channels
            .iter()
            .all(|channel| channel.packages.is_empty()
                && channel.errata.is_empty()
                && channel.open.is_empty()
                && channel.broken.is_empty())
    );
}

#[test]
fn a_package_pulled_in_through_three_steps() {
    insta::assert_snapshot!(in_plan(&plan(), "libbar-tools")[0].join("\n"), @r"
    libbar-tools-3-1.x86_64 is there in el9-2026q1 because it belongs to erratum RHEA-2026:9
    erratum RHEA-2026:9 is there because its package libbar-3-1.x86_64 is needed: libfoo-2-1.x86_64 requires libbar >= 3
    libfoo-2-1.x86_64 is there because app-1-1.x86_64 requires libfoo >= 2
    app-1-1.x86_64 is there because erratum RHBA-2026:1 is in range
    it is newer than 2026-03-31: every erratum that lists it is later
    ");
    assert_eq!(
        said(&plan(), "libfoo-2-1.x86_64"),
        [
            "libfoo-2-1.x86_64 is there in el9-2026q1 because app-1-1.x86_64 requires libfoo >= 2; \
          app-1-1.x86_64 is there because erratum RHBA-2026:1 is in range; \
          it is newer than 2026-03-31: it was built later; \
          that it was there then is inferred from dates, not recorded"
        ]
    );
    assert_eq!(
        said(&plan(), "bash"),
        [
            "bash-5.1-1.x86_64 is there in el9-2026q1 because no erratum of el9-base lists it: it is original state"
        ]
    );
}

#[test]
fn errata_by_either_name() {
    let by = |name: &str| said(&plan(), name);
    assert_eq!(by("RHEA-2026:9"), by("CL-EA-2026:9"));
    assert_eq!(
        by("RHEA-2026:9"),
        [
            "erratum RHEA-2026:9 is there in el9-2026q1 (as CL-EA-2026:9) because its package libbar-3-1.x86_64 is needed: \
          libfoo-2-1.x86_64 requires libbar >= 3; \
          libfoo-2-1.x86_64 is there because app-1-1.x86_64 requires libfoo >= 2; \
          app-1-1.x86_64 is there because erratum RHBA-2026:1 is in range; its date is later than 2026-03-31"
        ]
    );
    assert_eq!(
        by("RHBA-2026:1"),
        [
            "erratum RHBA-2026:1 is there in el9-2026q1 (as CL-BA-2026:1) because it is in range: it was issued 2026-03-02"
        ]
    );
    assert_eq!(
        by("CL-BA-2025:3"),
        [
            "erratum CL-BA-2025:3 goes from el9-2026q1-extra because none of its packages stays, or the recorded version does not have it"
        ]
    );
}

#[test]
fn what_goes_stays_open_and_is_broken() {
    let by = |name: &str| said(&plan(), name);
    let open = "gui-4-1.x86_64 in el9-2026q1-extra requires libtoolkit.so.4()(64bit), and nothing in the clone's tree meets it; \
                that is so because what would meet it is kept out by blacklist or removelist; \
                it would be met by toolkit-4-1.x86_64, toolkit-4-2.x86_64";
    for name in ["gui", "libtoolkit.so.4()(64bit)", "toolkit", "toolkit-4-2"] {
        assert_eq!(by(name), [open], "{name}");
    }
    assert_eq!(
        by("nowhere"),
        [
            "odd-1-1.noarch in el9-2026q1-extra requires nowhere, and nothing in the clone's tree meets it; \
          that is so because nothing in the source's tree meets it either"
        ]
    );
    assert_eq!(
        by("compat-glibc"),
        [
            "compat-glibc-2-1.x86_64 goes from el9-2026q1-extra because the removelist's compat-.* matches it"
        ]
    );
    assert_eq!(
        by("own-tool"),
        ["own-tool-1-1.noarch stays in el9-2026q1-extra because it was put in by hand"]
    );
    assert_eq!(
        by("twin"),
        [
            "twin-1-1.x86_64 cannot be installed from el9-2026q1-extra, though it can from the source; \
          twin-1-1.x86_64 requires left; left-1-1.x86_64 conflicts with twin"
        ]
    );
    assert_eq!(by("no-such"), [""; 0]);
}

#[test]
fn chains_that_go_round_end() {
    let mut plan = plan();
    plan.channels[0].packages[0].reason = airlock_model::PackageReason::Needed {
        by: "libfoo-2-1.x86_64".into(),
        requires: "app".into(),
        advisory: None,
    };
    assert_eq!(
        in_plan(&plan, "app")[0],
        [
            "app-1-1.x86_64 is there in el9-2026q1 because libfoo-2-1.x86_64 requires app",
            "libfoo-2-1.x86_64 is there because app-1-1.x86_64 requires libfoo >= 2"
        ]
    );
    // What needs it was there before the clone.
    plan.channels[0].packages.truncate(1);
    assert_eq!(
        in_plan(&plan, "app")[0][1],
        "libfoo-2-1.x86_64 was there before"
    );
}

#[test]
fn one_of_many_has_to_be_named() {
    let mut plan = plan();
    let one = plan.channels[0].packages[1].clone();
    plan.channels[0].packages = vec![one; 30];
    let found = in_plan(&plan, "bash");
    assert_eq!(found.len(), 21);
    assert!(found[20][0].starts_with("… and 10 more"), "{found:?}");
}

fn row(name: &str, version: &str) -> PackageRow {
    PackageRow {
        name: name.into(),
        epoch: 0,
        version: version.into(),
        release: "1".into(),
        arch: "noarch".into(),
        checksum_type: "sha256".into(),
        checksum: "d".repeat(64),
        size: 1,
        file_name: format!("{name}-{version}-1.noarch.rpm"),
        location: String::new(),
        held: true,
        verified: true,
    }
}

fn listed(advisory: &str, kind: &str, issued: &str, files: &[&str]) -> ErratumRow {
    ErratumRow {
        advisory: advisory.into(),
        kind: kind.into(),
        severity: String::new(),
        title: String::new(),
        issued: format!("{issued}T00:00:00Z").parse::<Instant>().ok(),
        updated: None,
        cves: Vec::new(),
        packages: files.iter().map(|file| (*file).to_owned()).collect(),
    }
}

#[test]
fn what_is_not_there_has_a_reason_too() {
    let later = Facts {
        source: vec![row("late", "2")],
        errata: vec![listed(
            "RHBA-2026:50",
            "bugfix",
            "2026-05-02",
            &["late-2-1.noarch.rpm"],
        )],
        ..Facts::default()
    };
    let none = Facts::default();
    let mut plan = plan();
    let text = |plan: &Plan, typed: &str, facts: [&Facts; 2]| -> Vec<String> {
        let facts: Vec<Facts> = facts.into_iter().cloned().collect();
        absent(plan, typed, &facts)
            .into_iter()
            .map(|lines| lines.join("; "))
            .collect()
    };
    assert_eq!(text(&plan, "late", [&none, &none]), [""; 0]);
    assert_eq!(
        text(&plan, "late", [&later, &none]),
        [
            "late-2-1.noarch does not come into el9-2026q1, and nothing there needs it; \
          of its errata, RHBA-2026:50 does not come in: it was issued 2026-05-02, after 2026-03-31"
        ]
    );
    assert_eq!(
        text(
            &plan,
            "RHBA-2026:50",
            [
                &none,
                &Facts {
                    errata: later.errata.clone(),
                    ..none.clone()
                }
            ]
        ),
        [
            "erratum RHBA-2026:50 does not come into el9-2026q1-extra: it was issued 2026-05-02, after 2026-03-31, \
          and none of its packages is needed"
        ]
    );
    let present = Facts {
        destination: vec![row("late", "2")],
        source: vec![row("late", "2")],
        ..none.clone()
    };
    assert_eq!(
        text(&plan, "late", [&none, &present]),
        ["late-2-1.noarch is in el9-2026q1-extra@2 already, and stays"]
    );
    let naked = Facts {
        source: vec![row("late", "2")],
        ..none.clone()
    };
    assert_eq!(
        text(&plan, "late", [&none, &naked]),
        [
            "late-2-1.noarch does not come into el9-2026q1-extra, and nothing there needs it; \
          no erratum lists it, and the clone exists: original state comes in when a clone is made"
        ]
    );
    plan.request.naked = Naked::FirstSeen;
    plan.request
        .blacklist
        .insert("ALL".into(), vec!["l.*".into()]);
    assert_eq!(
        text(&plan, "late", [&naked, &none]),
        [
            "late-2-1.noarch does not come into el9-2026q1, and nothing there needs it; \
          no erratum lists it, and el9-base got it after 2026-03-31 (--naked first-seen); \
          the blacklist keeps out l.*"
        ]
    );
    plan.request.blacklist.clear();
    plan.request.security_only = true;
    let bugfix = Facts {
        source: vec![row("late", "2")],
        errata: vec![listed(
            "RHBA-2026:3",
            "bugfix",
            "2026-03-31",
            &["late-2-1.noarch.rpm"],
        )],
        ..none.clone()
    };
    assert_eq!(
        text(&plan, "late", [&bugfix, &none]),
        [
            "late-2-1.noarch does not come into el9-2026q1, and nothing there needs it; \
          of its errata, RHBA-2026:3 does not come in: it is of type bugfix, and only security errata are taken"
        ]
    );
}

#[test]
fn a_requirement_that_is_met_says_by_what() {
    let plan = plan();
    assert_eq!(
        said(&plan, "libbar >= 3"),
        [
            "libbar >= 3, which libfoo-2-1.x86_64 requires, is met by libbar-3-1.x86_64, which comes into el9-2026q1 for it; \
          libfoo-2-1.x86_64 is there because app-1-1.x86_64 requires libfoo >= 2; \
          app-1-1.x86_64 is there because erratum RHBA-2026:1 is in range"
        ]
    );
    let part = plan_about(&plan, "libbar >= 3");
    assert_eq!(said(&part, "libbar >= 3"), said(&plan, "libbar >= 3"));
    // Met by what is there or comes in anyway.
    let there = Facts {
        destination: vec![row("libbar", "1"), row("libbar", "2")],
        ..Facts::default()
    };
    let lines = not_open(&plan, "libbar > 1", &[there, Facts::default()]);
    assert_eq!(
        lines[0],
        [
            "libbar > 1 is a requirement that does not stay open in el9-2026q1, el9-2026q1-extra: whatever there requires it has it",
            "libbar-3-1.x86_64, which comes into el9-2026q1, meets it",
            "libbar-2-1.noarch, which is in el9-2026q1 already, meets it",
        ]
    );
    assert!(not_open(&plan, "libbar", &[]).is_empty());
}
