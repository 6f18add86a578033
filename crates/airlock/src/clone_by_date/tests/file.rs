//! The config file beside the command line.

use airlock_model::{BlacklistScope, Naked};
use jiff::civil::date;

use super::super::config;
use super::super::sample::SAMPLE;
use super::super::wish::Deed;
use super::wished;

/// The example of the old tool's documentation.
const OLD: &str = r#"{
  "username": "clone-bot", "password": "s3cret", "assumeyes": true,
  "to_date": "2024-03-31", "use_update_date": false, "security_only": false,
  "skip_depsolve": false, "skip_errata_depsolve": false, "no_errata_sync": false, "dry_run": false,
  "blacklist":  { "ALL": ["kernel-debug.*"], "q1-el7-x86_64": ["java-1\\.6.*"] },
  "removelist": { "q1-el7-optional": ["compat-.*"] },
  "channels": [
    { "el7-x86_64":          { "label": "q1-el7-x86_64", "existing-parent-do-not-modify": true },
      "el7-x86_64-optional": { "label": "q1-el7-optional", "name": "Q1 EL7 Optional",
                               "summary": "frozen 2024-03-31", "description": "quarter 1" } },
    { "el8-x86_64": "q1-el8-x86_64" }
  ]
}"#;

#[test]
fn an_old_file_is_accepted() {
    let wish = wished(&["-c", "clone.json"], Some(OLD)).unwrap();
    assert!(wish.yes);
    assert_eq!(wish.login.username.as_deref(), Some("clone-bot"));
    assert_eq!(wish.login.password.as_deref(), Some("s3cret"));
    assert_eq!(
        wish.notes,
        ["blacklist.q1-el7-x86_64 has no effect: an existing parent is not changed"]
    );
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    assert_eq!(requests.len(), 2);
    let (first, second) = (&requests[0], &requests[1]);
    let parents = first.parents.as_ref().unwrap();
    assert_eq!(parents.source.as_ref().unwrap().as_str(), "el7-x86_64");
    assert_eq!(parents.destination.as_str(), "q1-el7-x86_64");
    assert_eq!(first.channels.len(), 1);
    let pair = &first.channels[0];
    assert_eq!(
        [
            pair.name.as_deref(),
            pair.summary.as_deref(),
            pair.description.as_deref()
        ],
        [
            Some("Q1 EL7 Optional"),
            Some("frozen 2024-03-31"),
            Some("quarter 1")
        ]
    );
    assert_eq!(first.to_date, Some(date(2024, 3, 31)));
    assert_eq!(first.blacklist.keys().collect::<Vec<_>>(), ["ALL"]);
    assert_eq!(first.blacklist["ALL"], ["kernel-debug.*"]);
    assert_eq!(first.removelist["q1-el7-optional"], ["compat-.*"]);
    // Each tree gets what is for its own channels.
    assert_eq!(second.parents, None);
    assert!(second.removelist.is_empty());
    assert_eq!(second.blacklist["ALL"], ["kernel-debug.*"]);
    assert_eq!(second.channels[0].name.as_deref(), Some("q1-el8-x86_64"));
}

#[test]
fn the_sample_is_accepted() {
    let wish = wished(&["-c", "clone.json"], Some(SAMPLE)).unwrap();
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    assert_eq!(requests.len(), 2);
    assert_eq!(
        requests[0].channels[1].description.as_deref(),
        Some("first quarter")
    );
    // Every key stands in it, as a key or as a remark.
    for key in config::KEYS {
        assert!(
            SAMPLE.contains(&format!("\"{key}\"")) || SAMPLE.contains(&format!("\"_{key}\"")),
            "{key}"
        );
    }
    let remarks_as_keys = SAMPLE.replace("\"_server\"", "\"server\"");
    let wish = wished(&["-c", "clone.json"], Some(&remarks_as_keys)).unwrap();
    assert_eq!(
        wish.login.server.as_deref(),
        Some("https://airlock.example.org")
    );
}

#[test]
fn the_command_line_wins_and_switches_off() {
    let file = r#"{
      "assumeyes": true, "dry_run": true, "to_date": "2024-03-31", "use_update_date": true, "security_only": true,
      "skip_depsolve": true, "skip_errata_depsolve": true, "no_errata_sync": true, "as_of": "2024-06-01", "infer": true,
      "strict": true, "naked": "build-date", "prune": true, "keep_advisory_names": true, "into_other": true, "blacklist_scope": "errata",
      "blacklist": {"ALL": ["a"]}, "removelist": {"el9-2026q1": ["b"]}, "username": "a", "password": "b",
      "channels": {"el9-base": "el9-2026q1"}
    }"#;
    let wish = wished(&["-c", "clone.json"], Some(file)).unwrap();
    let Deed::Show(requests, shown) = wish.deed else {
        panic!()
    };
    assert!(shown.dry_run && shown.plan.is_none() && shown.explain.is_empty());
    let request = &requests[0];
    assert!(
        request.use_update_date
            && request.security_only
            && request.skip_depsolve
            && request.skip_errata_depsolve
    );
    assert!(
        request.no_errata_sync
            && request.infer
            && request.strict
            && request.prune
            && request.keep_advisory_names
            && request.into_other
    );
    assert_eq!(
        (request.naked, request.blacklist_scope),
        (Naked::BuildDate, BlacklistScope::Errata)
    );
    assert_eq!(request.as_of.as_deref(), Some("2024-06-01"));
    let off = [
        "-c",
        "clone.json",
        "--assumeyes=false",
        "--dry-run=false",
        "-d",
        "2025-01-01",
        "--use-update-date=false",
        "--security_only=false",
        "--skip_depsolve=false",
        "--skip-errata-depsolve=false",
        "--no-errata-sync=false",
        "--as-of",
        "3",
        "--infer=false",
        "--strict=false",
        "--naked",
        "original",
        "--prune=false",
        "--keep-advisory-names=false",
        "--into-other=false",
        "--blacklist-scope",
        "all",
        "-b",
        "c",
        "-r",
        "d",
        "-u",
        "x",
        "-p",
        "y",
    ];
    let wish = wished(&off, Some(file)).unwrap();
    assert!(!wish.yes);
    assert_eq!(wish.login.username.as_deref(), Some("x"));
    assert_eq!(wish.login.password.as_deref(), Some("y"));
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    let request = &requests[0];
    assert_eq!(request.to_date, Some(date(2025, 1, 1)));
    assert!(
        !(request.use_update_date
            || request.security_only
            || request.skip_depsolve
            || request.skip_errata_depsolve)
    );
    assert!(
        !(request.no_errata_sync
            || request.infer
            || request.strict
            || request.prune
            || request.keep_advisory_names
            || request.into_other)
    );
    assert_eq!(
        (request.naked, request.blacklist_scope),
        (Naked::Original, BlacklistScope::All)
    );
    assert_eq!(request.as_of.as_deref(), Some("3"));
    assert_eq!(request.blacklist["ALL"], ["c"]);
    assert_eq!(request.removelist["ALL"], ["d"]);
    assert!(!request.removelist.contains_key("el9-2026q1"));
}

#[test]
fn what_excludes_each_other_is_named_with_its_place() {
    let file = r#"{"to_date": "2024-03-31", "errata": ["RHSA-2024:1"], "channels": {"el9-base": "el9-2026q1"}}"#;
    let fail = wished(&["-c", "clone.json"], Some(file)).unwrap_err();
    assert_eq!(
        fail.message,
        "to_date (2024-03-31, in clone.json) and errata (RHSA-2024:1, in clone.json) exclude each other"
    );
    let file = r#"{"security_only": true, "channels": {"el9-base": "el9-2026q1"}}"#;
    let fail = wished(&["-c", "clone.json", "-e", "RHSA-2024:1"], Some(file)).unwrap_err();
    assert_eq!(
        fail.message,
        "security_only (true, in clone.json) and errata (RHSA-2024:1, on the command line) exclude each other"
    );
    assert!(
        wished(
            &["-c", "clone.json", "-e", "RHSA-2024:1", "-o=false"],
            Some(file)
        )
        .is_ok()
    );
}

#[test]
fn remarks_nulls_and_white_space_count_for_nothing() {
    let file = "\u{feff}{
      \"_remark\": {\"deep\": [1, {\"er\": null}]}, \" to_date \": \" 2024-3-1 \", \"errata\": null, \"username\": null,
      \"blacklist\": {}, \"removelist\": null, \"security_only\": null,
      \"parents\": [\"x\"], \"validate\": true, \"background\": 3,
      \"channels\": [{\" el9-base \": [\" el9-2026q1 \", \" EL 9 \"], \"_el9-more\": 7}]
    }";
    let wish = wished(&["-c", "clone.json"], Some(file)).unwrap();
    assert_eq!(wish.login.username, None);
    assert_eq!(
        wish.notes
            .iter()
            .map(|note| note.split(' ').next().unwrap())
            .collect::<Vec<_>>(),
        ["parents", "validate", "background"]
    );
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    let request = &requests[0];
    assert_eq!(request.to_date, Some(date(2024, 3, 1)));
    let pair = &request.channels[0];
    assert_eq!(
        (pair.source.as_str(), pair.destination.as_str()),
        ("el9-base", "el9-2026q1")
    );
    assert_eq!(
        [
            pair.name.as_deref(),
            pair.summary.as_deref(),
            pair.description.as_deref()
        ],
        [Some("EL 9"), Some("el9-2026q1"), Some("el9-2026q1")]
    );
}

#[test]
fn what_says_nothing_in_an_old_file_counts_as_not_given() {
    let file = r#"{
      "username": "", "password": "", "server": " ", "to_date": "", "errata": [], "assumeyes": "",
      "security_only": [], "blacklist": {"ALL": []}, "removelist": {}, "dry_run": null,
      "channels": {"el9-base": {"label": "el9-2026q1", "name": "", "existing-parent-do-not-modify": ""},
                   "el9-more": ["el9-2026q1-more", "", "frozen"]}
    }"#;
    let wish = wished(&["-c", "clone.json", "-d", "2026-03-31"], Some(file)).unwrap();
    assert!(!wish.yes && wish.notes.is_empty(), "{:?}", wish.notes);
    assert_eq!(wish.login, super::super::wish::Login::default());
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    let request = &requests[0];
    assert!(!request.security_only && request.errata.is_empty());
    assert!(request.blacklist.is_empty() && request.removelist.is_empty());
    assert_eq!(request.to_date, Some(date(2026, 3, 31)));
    let texts = |place: usize| {
        let pair = &request.channels[place];
        (pair.name.as_deref(), pair.summary.as_deref())
    };
    assert_eq!(texts(0), (Some("el9-2026q1"), Some("el9-2026q1")));
    assert_eq!(texts(1), (Some("el9-2026q1-more"), Some("frozen")));
}

#[test]
fn lists_for_labels_of_other_files_are_named_and_count_for_nothing() {
    let file = r#"{
      "blacklist": {"el9-other": ["a", "b"], "el9-2026q1": ["c"]},
      "channels": {"el9-base": "el9-2026q1"}
    }"#;
    let wish = wished(&["-c", "clone.json", "-d", "2026-03-31"], Some(file)).unwrap();
    assert_eq!(
        wish.notes,
        [
            "blacklist.el9-other has no effect: \"el9-other\" is no destination of this file; its expressions are a, b"
        ]
    );
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    let labels: Vec<&String> = requests[0].blacklist.keys().collect();
    assert_eq!(labels, ["el9-2026q1"]);
}

#[test]
fn a_check_does_not_read_the_date() {
    let args = ["-l", "el9-base", "el9-2026q1", "-v", "-d", "next week"];
    let wish = wished(&args, None).unwrap();
    assert!(matches!(wish.deed, Deed::Validate(_)));
    assert!(wished(&args[..3], None).is_ok());
    assert!(wished(&["-l", "el9-base", "el9-2026q1", "-d", "next week"], None).is_err());
}
