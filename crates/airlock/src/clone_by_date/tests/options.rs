//! The command line, option by option.

use std::collections::BTreeMap;
use std::path::PathBuf;

use airlock_model::{BlacklistScope, ClonePair, CloneParents, CloneRequest, Naked};
use jiff::civil::date;

use super::super::wish::{Applied, Deed, Shown};
use super::{parse, wished};

fn pair(source: &str, destination: &str) -> ClonePair {
    ClonePair {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        name: Some(destination.to_owned()),
        summary: Some(destination.to_owned()),
        description: Some(destination.to_owned()),
    }
}

fn request() -> CloneRequest {
    CloneRequest {
        channels: vec![pair("el9-base", "el9-2026q1")],
        ..CloneRequest::default()
    }
}

/// The request of a command line that clones.
fn of(words: &[&str]) -> CloneRequest {
    let mut all = vec!["-l", "el9-base", "el9-2026q1"];
    all.extend(words);
    let wish = wished(&all, None).unwrap_or_else(|fail| panic!("{words:?}: {fail:?}"));
    match wish.deed {
        Deed::Clone(mut requests) => requests.remove(0),
        other => panic!("{words:?}: {other:?}"),
    }
}

fn all(list: &[&str]) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(
        "ALL".to_owned(),
        list.iter().map(|one| (*one).to_owned()).collect(),
    )])
}

#[test]
fn every_option_in_every_spelling_comes_to_a_request() {
    let day = |request: CloneRequest| CloneRequest {
        to_date: Some(date(2026, 3, 31)),
        ..request
    };
    let cases: Vec<(&[&[&str]], CloneRequest)> = vec![
        (&[&[]], request()),
        (
            &[
                &["-d", "2026-03-31"],
                &["-d2026-03-31"],
                &["--to_date", "2026-03-31"],
                &["--to_date=2026-03-31"],
                &["--to-date", "2026-3-31"],
                &["-d", "2020-01-01", "-d", "2026-03-31"],
                &["--to_d", "2026-03-31"],
                &["-g", "-d", "2026-03-31"],
            ],
            day(request()),
        ),
        (
            &[
                &["-d", "2026-03-31", "-z"],
                &["-zd", "2026-03-31"],
                &["--use-update-date", "--to_date=2026-03-31"],
                &["--use_update_date=true", "-d", "2026-03-31"],
            ],
            CloneRequest {
                use_update_date: true,
                ..day(request())
            },
        ),
        (
            &[
                &["-d", "2026-03-31", "-o"],
                &["-od2026-03-31"],
                &["--security_only", "-d", "2026-03-31"],
                &["--security-only=yes", "-d", "2026-03-31"],
            ],
            CloneRequest {
                security_only: true,
                ..day(request())
            },
        ),
        (
            &[
                &["-o=false"],
                &["--security_only=no"],
                &["-o", "--security_only=false"],
            ],
            request(),
        ),
        (
            &[
                &["-e", "RHSA-2026:1,RHBA-2026:2"],
                &["--errata", " RHSA-2026:1 , RHBA-2026:2,"],
                &["--errata=RHSA-2026:1", "-e", "RHBA-2026:2"],
                &["-e", "RHSA-2026:1,RHBA-2026:2,RHSA-2026:1"],
            ],
            CloneRequest {
                errata: vec!["RHSA-2026:1".into(), "RHBA-2026:2".into()],
                ..request()
            },
        ),
        (
            &[&["-k"], &["--skip_depsolve"], &["--skip-depsolve"]],
            CloneRequest {
                skip_depsolve: true,
                ..request()
            },
        ),
        (
            &[
                &["-x"],
                &["--skip-errata-depsolve"],
                &["--skip_errata_depsolve"],
            ],
            CloneRequest {
                skip_errata_depsolve: true,
                ..request()
            },
        ),
        (
            &[&["-n"], &["--no-errata-sync"], &["--no_errata_sync"]],
            CloneRequest {
                no_errata_sync: true,
                ..request()
            },
        ),
        (
            &[&["-kxny"]],
            CloneRequest {
                skip_depsolve: true,
                skip_errata_depsolve: true,
                no_errata_sync: true,
                ..request()
            },
        ),
        (
            &[
                &["-b", "kernel.*,foo"],
                &["--blacklist=kernel.*", "-b", " foo "],
                &["-b", "kernel.*,,foo,kernel.*"],
            ],
            CloneRequest {
                blacklist: all(&["kernel.*", "foo"]),
                ..request()
            },
        ),
        (
            &[&["-b", "-x"]],
            CloneRequest {
                blacklist: all(&["-x"]),
                ..request()
            },
        ),
        (
            &[&["-r", "compat-.*"], &["--removelist", "compat-.*"]],
            CloneRequest {
                removelist: all(&["compat-.*"]),
                ..request()
            },
        ),
        (
            &[&["--blacklist-scope", "errata"]],
            CloneRequest {
                blacklist_scope: BlacklistScope::Errata,
                ..request()
            },
        ),
        (
            &[&["-a", "el9-old"], &["--parents", "el9-old"]],
            CloneRequest {
                parents: Some(CloneParents {
                    source: None,
                    destination: "el9-old".parse().unwrap(),
                }),
                ..request()
            },
        ),
        (
            &[
                &["-a", "el9-main", "el9-old"],
                &["--parents", "el9-main", "el9-old", "-g"],
            ],
            CloneRequest {
                parents: Some(CloneParents {
                    source: Some("el9-main".parse().unwrap()),
                    destination: "el9-old".parse().unwrap(),
                }),
                ..request()
            },
        ),
        (
            &[
                &["--as-of", "2026-03-31T12:00:00Z"],
                &["--as_of=2026-03-31T12:00:00Z"],
            ],
            CloneRequest {
                as_of: Some("2026-03-31T12:00:00Z".into()),
                ..request()
            },
        ),
        (
            &[&[
                "--as-of",
                "2026-03-31",
                "-d",
                "2026-03-31",
                "--infer",
                "--prune",
            ]],
            CloneRequest {
                as_of: Some("2026-03-31".into()),
                infer: true,
                prune: true,
                ..day(request())
            },
        ),
        (
            &[&["--as-of", "7"]],
            CloneRequest {
                as_of: Some("7".into()),
                ..request()
            },
        ),
        (
            &[&["--naked", "first-seen"]],
            CloneRequest {
                naked: Naked::FirstSeen,
                ..request()
            },
        ),
        (
            &[&["--naked", "build-date"]],
            CloneRequest {
                naked: Naked::BuildDate,
                ..request()
            },
        ),
        (&[&["--naked", "original"]], request()),
        (
            &[&["--strict"]],
            CloneRequest {
                strict: true,
                ..request()
            },
        ),
        (
            &[&["--keep-advisory-names"]],
            CloneRequest {
                keep_advisory_names: true,
                ..request()
            },
        ),
        (
            &[
                &["--into-other"],
                &["--into_other=yes"],
                &["--into-other=false", "--into-other"],
            ],
            CloneRequest {
                into_other: true,
                ..request()
            },
        ),
    ];
    for (spellings, expected) in cases {
        for words in spellings {
            assert_eq!(of(words), expected, "{words:?}");
        }
    }
}

#[test]
fn channels_of_one_run_are_one_tree() {
    let words = [
        "-l",
        "el9-base",
        "el9-2026q1",
        "-d",
        "2026-03-31",
        "--channels",
        "el9-extra",
        "el9-2026q1-extra",
        "EL 9 extra",
        "frozen",
        "first quarter",
        "-y",
        "-l",
        "el9-more",
        "el9-2026q1-more",
        " ",
        "frozen",
    ];
    let wish = wished(&words, None).unwrap();
    assert!(wish.yes);
    let Deed::Clone(requests) = wish.deed else {
        panic!()
    };
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].channels,
        [
            pair("el9-base", "el9-2026q1"),
            ClonePair {
                name: Some("EL 9 extra".into()),
                summary: Some("frozen".into()),
                description: Some("first quarter".into()),
                ..pair("el9-extra", "el9-2026q1-extra")
            },
            ClonePair {
                summary: Some("frozen".into()),
                ..pair("el9-more", "el9-2026q1-more")
            }
        ]
    );
}

#[test]
fn what_is_done() {
    let base = ["-l", "el9-base", "el9-2026q1", "-d", "2026-03-31"];
    let deed = |words: &[&str]| {
        let all: Vec<&str> = base.iter().chain(words).copied().collect();
        wished(&all, None).unwrap().deed
    };
    let requests = || {
        vec![CloneRequest {
            to_date: Some(date(2026, 3, 31)),
            ..request()
        }]
    };
    assert_eq!(deed(&[]), Deed::Clone(requests()));
    assert_eq!(deed(&["--dry-run=false"]), Deed::Clone(requests()));
    for words in [&["-j"][..], &["--dry-run"], &["-jy"]] {
        assert_eq!(
            deed(words),
            Deed::Show(
                requests(),
                Shown {
                    dry_run: true,
                    ..Shown::default()
                }
            )
        );
    }
    assert_eq!(
        deed(&[
            "--plan",
            "q1.json",
            "--explain",
            "libfoo",
            "--explain",
            "RHSA-2026:1"
        ]),
        Deed::Show(
            requests(),
            Shown {
                plan: Some(PathBuf::from("q1.json")),
                explain: vec!["libfoo".into(), "RHSA-2026:1".into()],
                dry_run: false
            }
        )
    );
    for words in [&["-v"][..], &["--validate"]] {
        assert_eq!(deed(words), Deed::Validate(requests()));
    }
    let wish = wished(
        &[
            "--apply",
            "q1.json",
            "--rebase",
            "-y",
            "--no-wait",
            "-u",
            "ada",
            "-p",
            "-secret",
        ],
        None,
    )
    .unwrap();
    assert_eq!(
        wish.deed,
        Deed::Apply(
            vec![PathBuf::from("q1.json")],
            Applied {
                rebase: true,
                dry_run: false
            }
        )
    );
    let dry = |words: &[&str]| wished(words, None).unwrap().deed;
    assert_eq!(
        dry(&["--apply", "q1.json", "-j"]),
        Deed::Apply(
            vec![PathBuf::from("q1.json")],
            Applied {
                rebase: false,
                dry_run: true
            }
        )
    );
    assert_eq!(
        dry(&["--undo", "q1.json", "--dry-run"]),
        Deed::Undo {
            files: vec![PathBuf::from("q1.json")],
            dry_run: true
        }
    );
    assert!(wish.yes && wish.no_wait);
    assert_eq!(wish.login.username.as_deref(), Some("ada"));
    assert_eq!(wish.login.password.as_deref(), Some("-secret"));
}

#[test]
fn the_old_url_is_the_global_option() {
    use clap::Parser;
    for words in [
        &["-s", "https://h/rpc/api"][..],
        &["--server=https://h/rpc/api"],
    ] {
        let words = ["airlock", "clone-by-date", "-l", "el9-base", "el9-2026q1"]
            .iter()
            .chain(words);
        let cli = crate::cli::Cli::try_parse_from(words).unwrap();
        assert_eq!(cli.global.server.as_deref(), Some("https://h/rpc/api"));
    }
    let words = [
        "airlock",
        "--server",
        "https://h",
        "clone-by-date",
        "-l",
        "el9-base",
        "el9-2026q1",
        "--json",
    ];
    let cli = crate::cli::Cli::try_parse_from(words).unwrap();
    assert_eq!(cli.global.server.as_deref(), Some("https://h"));
    assert!(cli.global.json);
    assert!(parse(&["-s", "https://h", "--data", "/x"]).is_err());
}

#[test]
fn options_that_count_for_nothing_are_named() {
    let notes = |words: &[&str]| {
        let all: Vec<&str> = ["-l", "el9-base", "el9-2026q1"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        wished(&all, None).unwrap().notes.join("; ")
    };
    assert_eq!(notes(&["-d", "2026-03-31"]), "");
    assert_eq!(
        notes(&["-d", "2026-03-31", "-g"]),
        "-g (--background) has no effect"
    );
    assert_eq!(
        notes(&["-d", "2026-03-31", "--background"]),
        "-g (--background) has no effect"
    );
    assert!(notes(&[]).starts_with("without -d, -e and --as-of no erratum is selected"));
    assert_eq!(notes(&["-v"]), "");
}

#[test]
fn wrong_use_says_what_to_pass() {
    let channels = ["-l", "el9-base", "el9-2026q1"];
    for (words, said, hint) in [
        (&[][..], "which channels?", "-l SRC DEST"),
        (&["-y"], "which channels?", "--config FILE"),
        (
            &["-l", "el9-base"],
            "-l el9-base: 2 to 5 words are needed",
            "-l SRC DEST [NAME",
        ),
        (
            &["-l", "el9-base", "el9-2026q1", "a", "b", "c", "d"],
            "6 words are too many",
            "in quotes",
        ),
        (
            &["-l", "el9-base", "EL9"],
            "channel label \"EL9\": only a-z",
            "channel list",
        ),
        (
            &["-l", "el9-base", "el9-\u{e4}\u{e4}\u{e4}"],
            "channel label \"el9-\u{e4}\u{e4}\u{e4}\"",
            "plain ASCII",
        ),
        (
            &["-l", "el9-base", "el9-base"],
            "a clone of itself",
            "label of its own",
        ),
        (
            &[
                "-l",
                "el9-base",
                "el9-2026q1",
                "-l",
                "el9-base",
                "el9-2026q2",
            ],
            "the source \"el9-base\" is named twice",
            "one clone",
        ),
        (
            &[
                "-l",
                "el9-base",
                "el9-2026q1",
                "-l",
                "el9-more",
                "el9-2026q1",
            ],
            "the destination \"el9-2026q1\" is named twice",
            "one clone",
        ),
        (
            &["-c", "x.json", "-l", "el9-base", "el9-2026q1"],
            "--config and --channels exclude",
            "\"channels\"",
        ),
        (
            &["-c", "x.json", "-a", "el9-base"],
            "--config and --parents exclude",
            "existing-parent-do-not-modify",
        ),
        (
            &["--apply", "p.json", "-d", "2026-03-31"],
            "--to_date and --apply exclude",
            "plan again",
        ),
        (
            &["--apply", "p.json", "-c", "x.json"],
            "--config and --apply exclude",
            "plan again",
        ),
        (
            &["--apply", "p.json", "-o=false"],
            "--security_only and --apply exclude",
            "plan again",
        ),
        (
            &["--apply", "p.json", "-j", "--no-wait"],
            "--no-wait and --dry-run exclude",
            "leave --no-wait out",
        ),
        (
            &["--apply", "p.json", "--explain", "x"],
            "--explain and --apply exclude",
            "airlock plan explain",
        ),
    ] {
        let fail = wished(words, None).unwrap_err();
        assert_eq!(fail.code, 2, "{words:?}");
        assert!(fail.message.contains(said), "{words:?}: {}", fail.message);
        assert!(
            fail.hint.as_ref().unwrap().contains(hint),
            "{words:?}: {:?}",
            fail.hint
        );
    }
    for (more, said, hint) in [
        (
            &["-a", "el9-a1", "el9-b1", "el9-c1"][..],
            "3 words are too many",
            "-a [SRC_PARENT] DEST_PARENT",
        ),
        (
            &["-a", "short"],
            "-a: channel label \"short\"",
            "channel list",
        ),
        (
            &["-d", "31.3.2026"],
            "--to_date: \"31.3.2026\" is no date",
            "YYYY-MM-DD",
        ),
        (
            &["-d", "2026-02-30"],
            "--to_date: \"2026-02-30\" is no date",
            "YYYY-MM-DD",
        ),
        (&["-d", ""], "\"\" is no date", "YYYY-MM-DD"),
        (
            &["--as-of", "yesterday"],
            "--as-of: \"yesterday\" is no instant",
            "2026-03-31T12:00:00Z",
        ),
        (
            &["-e", " , "],
            "--errata names nothing",
            "leave the option out",
        ),
        (
            &["-b", "foo("],
            "--blacklist: \"foo(\" is no regular expression: unclosed group",
            "libstdc",
        ),
        (&["-r", "a(?!b)"], "look-around", "libstdc"),
        (
            &["-d", "2026-03-31", "-e", "RHSA-2026:1"],
            "to_date (2026-03-31, on the command line) and errata (RHSA-2026:1, on",
            "leave one",
        ),
        (
            &["-o", "-e", "RHSA-2026:1,RHSA-2026:2"],
            "security_only (true, on the command line) and errata (RHSA-2026:1 …,",
            "=false",
        ),
        (
            &["--infer"],
            "infer (true, on the command line) goes with as-of only",
            "--as-of INSTANT",
        ),
        (
            &["--prune"],
            "prune (true, on the command line) goes with as-of only",
            "--as-of INSTANT",
        ),
        (&["--plan", "-"], "--plan -: a plan goes into a file", "cat"),
        (&["--rebase"], "--rebase needs --apply", "not behind"),
        (&["-v", "--plan", "x"], "--validate makes no plan", "leave"),
        (
            &["-v", "--explain", "x"],
            "--validate makes no plan",
            "leave",
        ),
        (
            &["--plan", "x", "--no-wait"],
            "--no-wait goes with cloning only",
            "leave --no-wait out",
        ),
        (
            &["-j", "--no-wait"],
            "--no-wait goes with cloning only",
            "leave --no-wait out",
        ),
    ] {
        let words: Vec<&str> = channels.iter().chain(more).copied().collect();
        let fail = wished(&words, None).unwrap_err();
        assert_eq!(fail.code, 2, "{words:?}");
        assert!(fail.message.contains(said), "{words:?}: {}", fail.message);
        assert!(
            fail.hint.as_ref().unwrap().contains(hint),
            "{words:?}: {:?}",
            fail.hint
        );
    }
    // What the parser of the old tool refused by itself.
    for words in [
        &["-l"][..],
        &["--nonsense"],
        &["-d"],
        &["--naked", "all"],
        &["-o=perhaps"],
        &["-q"],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}
