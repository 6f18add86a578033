//! The options of the command line: the same folder, the same words, once for createrepo_c and once for ours. What
//! comes out has to mean the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};

use airlock_createrepo::cli;
use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, compress, primary};
use airlock_testkit::repos::Peer;
use airlock_testkit::rpms::Rpm;

use crate::folder::Folder;
use crate::pair::{Pair, WHO, plain, see, set_time};

#[test]
fn which_packages_are_listed() {
    let pair = Pair::new();
    for (words, count) in [
        (&["DIR"][..], 5),
        (&["-x", "sub/*", "DIR"], 3),
        (&["--excludes", "p1*", "-x", "link.rpm", "DIR"], 3),
        // The name of a folder counts by itself, a part of a path does not.
        (&["-x", "sub", "DIR"], 3),
        (&["-x", "ub/p1.rpm", "DIR"], 5),
        (&["-x", "p?.rpm", "DIR"], 1),
        (&["--skip-symlinks", "DIR"], 4),
        (&["-S", "DIR"], 4),
        (&["--includepkg", "sub/p1.rpm", "-n", "p0.rpm", "DIR"], 2),
        (&["--workers", "3", "DIR"], 5),
    ] {
        assert_eq!(pair.same(words).packages.len(), count, "{words:?}");
    }
    for who in WHO {
        let list = pair.folder(who).parent().unwrap().join("list");
        fs::write(list, "p2.rpm\n\nsub/p3.rpm\n").unwrap();
    }
    for option in ["-i", "--pkglist"] {
        assert_eq!(pair.same(&[option, "UP/list", "DIR"]).packages.len(), 2);
    }
}

#[test]
fn where_packages_are() {
    let pair = Pair::new();
    for words in [
        &["-u", "http://example.com/x/?a&b", "DIR"][..],
        &[
            "--baseurl",
            "http://example.com",
            "--location-prefix",
            "pre/fix",
            "DIR",
        ],
        &["--location-prefix", "pre/", "--cut-dirs", "1", "DIR"],
        &["--cut-dirs", "1", "DIR"],
    ] {
        pair.same(words);
    }
    // Not compared: createrepo_c itself walks a folder below the working directory then.
    let plain = pair.same(&["DIR"]);
    let up = pair.folder("ours").parent().unwrap().to_owned();
    let words = [
        "createrepo_c",
        "-q",
        "--basedir",
        up.to_str().unwrap(),
        "repository",
    ];
    assert_eq!(cli::main(words.map(Into::into)), ExitCode::SUCCESS);
    assert_eq!(see(&pair.folder("ours"), false), plain);
    // A base that was given once stays with an update until another one is given.
    pair.same(&["-S", "-u", "http://example.com/once", "DIR"]);
    for who in WHO {
        set_time(&pair.folder(who).join("p2.rpm"), 1_700_000_100);
    }
    let seen = pair.same(&["-S", "--update", "DIR"]);
    let with_base = seen.packages.keys().filter(|place| place.contains("/once"));
    assert_eq!(with_base.count(), 3, "p2 alone was read again: {seen:?}");
    pair.same(&["-S", "--update", "-u", "http://example.com/twice", "DIR"]);
}

#[test]
fn what_repomd_says() {
    let pair = Pair::new();
    let seen = pair.same(&[
        "--revision",
        "123",
        "--set-timestamp-to-revision",
        "--repo",
        "R",
        "--repo",
        "S",
        "--content",
        "C",
        "--distro",
        "cpe:/o:x,D",
        "--distro",
        "E",
        "--distro",
        ",F",
        "--distro",
        "g,",
        "DIR",
    ]);
    assert_eq!(seen.tags.distro.len(), 3);
    assert!(
        seen.records
            .iter()
            .all(|record| record.timestamp == Some(123))
    );
    for who in WHO {
        for entry in fs::read_dir(pair.folder(who).join("repodata")).unwrap() {
            let entry = entry.unwrap();
            let hidden = entry.file_name().to_str().unwrap().starts_with('.');
            let modified = entry.metadata().unwrap().modified().unwrap();
            let seconds = modified
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs();
            // createrepo_c leaves repomd.xml itself at the instant of the run.
            assert!(
                hidden || entry.file_name() == "repomd.xml" || seconds == 123,
                "{entry:?}"
            );
        }
    }
    pair.same(&["--revision", "0x10", "--set-timestamp-to-revision", "DIR"]);
    assert!(!pair.run(&["--revision", "seven", "--set-timestamp-to-revision", "DIR"]));
}

/// The kinds of checksum of the primary file and of the packages in it.
fn kinds(folder: &Folder) -> [String; 2] {
    let primary = compress::open_path(&folder.primary(), &Limits::default()).unwrap();
    let mut primary =
        PackageCutter::new(MetadataKind::Primary, primary, Limits::default()).unwrap();
    let package = primary.next_package().unwrap().unwrap();
    let package = primary::parse(package.bytes()).unwrap();
    assert_eq!(package.checksum.len(), 40);
    let repomd = folder.repomd();
    let record = &repomd.record("primary").unwrap().checksum;
    [record.kind.clone(), package.checksum_type.clone()]
}

/// Newer ones than the distribution's, which the pair compares with, know SHA-1 no more.
#[test]
fn the_old_name_of_sha1_stays_the_name_in_metadata() {
    let (ours, theirs) = (Folder::with(2), Folder::with(2));
    for words in [
        &["-s", "sha"][..],
        // Another name of the same checksum makes other metadata.
        &["-s", "SHA1", "--update"],
        &["-s", "sha", "--repomd-checksum", "sha1", "--update"],
    ] {
        let own = [
            &["createrepo_c", "-q"],
            words,
            &[ours.path().to_str().unwrap()],
        ]
        .concat();
        assert_eq!(
            cli::main(own.into_iter().map(Into::into)),
            ExitCode::SUCCESS
        );
        let status = Command::new(Peer::Distribution.program("createrepo_c"))
            .arg("-q")
            .args(words)
            .arg(theirs.path())
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(kinds(&ours), kinds(&theirs), "{words:?}");
    }
    assert_eq!(kinds(&ours), ["sha1", "sha"]);
}

#[test]
fn checksums_and_compressions() {
    let pair = Pair::new();
    for sum in ["sha256", "sha512", "sha224", "sha384"] {
        pair.same(&["--checksum", sum, "DIR"]);
        pair.same(&["--repomd-checksum", sum, "DIR"]);
    }
    pair.same(&[
        "-s",
        "sha512",
        "--repomd-checksum",
        "sha256",
        "--update",
        "DIR",
    ]);
    for kind in ["gz", "bz2", "xz", "zstd", "GZ"] {
        pair.same(&["--compress-type", kind, "-g", "comps.xml", "DIR"]);
        pair.same(&["--general-compress-type", kind, "-g", "comps.xml", "DIR"]);
    }
    pair.same(&["--xz", "-g", "comps.xml", "DIR"]);
    pair.same(&[
        "--xz",
        "--compress-type",
        "bz2",
        "--groupfile",
        "comps.xml",
        "DIR",
    ]);
    pair.same(&[
        "--xz",
        "--general-compress-type",
        "gz",
        "-g",
        "comps.xml",
        "DIR",
    ]);
    pair.same(&[
        "--compress-type",
        "xz",
        "--general-compress-type",
        "gz",
        "-g",
        "comps.xml",
        "DIR",
    ]);
    pair.same(&["--compatibility", "--no-database", "-g", "comps.xml", "DIR"]);
    pair.same(&["--simple-md-filenames", "-g", "comps.xml", "DIR"]);
    pair.same(&["--simple-md-filenames", "--unique-md-filenames", "DIR"]);
    pair.same(&["--unique-md-filenames", "DIR"]);
    for refused in [
        &["--checksum", "crc32", "DIR"][..],
        &["--repomd-checksum", "crc32", "DIR"],
        &["--compress-type", "lzma", "DIR"],
        &["--general-compress-type", "zck", "DIR"],
        &["--duplicated-nevra", "first", "DIR"],
        &["--retain-old-md", "-2", "DIR"],
        &[
            "--retain-old-md",
            "1",
            "--retain-old-md-by-age",
            "1d",
            "DIR",
        ],
        &["--retain-old-md-by-age", "1y", "DIR"],
        &["-g", "missing.xml", "DIR"],
        &["-i", "DIR/missing", "DIR"],
        &["-o", "DIR/missing", "DIR"],
        &["DIR/missing"],
        &["DIR", "DIR"],
    ] {
        assert!(!pair.run(refused), "{refused:?}");
    }
}

#[test]
fn changelogs_are_limited() {
    let pair = Pair::new();
    for limit in ["0", "1", "12", "-1"] {
        pair.same(&["--changelog-limit", limit, "DIR"]);
    }
}

#[test]
fn another_output_folder_and_filelists_with_digests() {
    let pair = Pair::new();
    for option in ["-o", "--outputdir"] {
        for who in WHO {
            fs::create_dir_all(pair.folder(who).join("out")).unwrap();
        }
        assert!(pair.run(&[option, "DIR/out", "DIR"]));
        pair.same_seen(&[option], "out");
    }
    pair.same(&["--filelists-ext", "DIR"]);
}

#[test]
fn updates_read_what_changed() {
    let pair = Pair::new();
    // What the folders hold changes between the runs; the lists tell what was read.
    let read = |words: &[&str]| {
        let mut all = vec!["--update", "--read-pkgs-list", "UP/read"];
        all.extend(words);
        pair.same(&all);
        let [theirs, ours] = WHO.map(|who| {
            let list = pair.folder(who).parent().unwrap().join("read");
            let text = fs::read_to_string(list).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        });
        assert_eq!(theirs, ours, "{words:?}");
        ours
    };
    assert_eq!(read(&["-S", "DIR"]).len(), 4);
    assert_eq!(read(&["-S", "DIR"]).len(), 0);
    let changed = Rpm::new("p1", "2", "1").bytes();
    pair.put("sub/p1.rpm", &changed);
    pair.put("p9.rpm", &Rpm::new("p9", "2", "1").bytes());
    assert_eq!(read(&["-S", "--skip-stat", "DIR"]), ["p9.rpm"]);
    assert_eq!(read(&["-S", "DIR"]), ["sub/p1.rpm"]);
    pair.put("p8.rpm", &Rpm::new("p8", "2", "1").bytes());
    assert_eq!(read(&["-S", "--recycle-pkglist", "DIR"]).len(), 0);
    assert_eq!(read(&["-S", "--cachedir", "cache", "DIR"]), ["p8.rpm"]);
    assert_eq!(read(&["-S", "--cachedir", "UP/cache", "DIR"]).len(), 0);
    assert_eq!(read(&["-S", "-c", "UP/cache", "DIR"]).len(), 0);
    // Another checksum makes everything known worthless.
    assert_eq!(read(&["-S", "--checksum", "sha512", "DIR"]).len(), 6);
    // comps is carried along until it is discarded.
    pair.same(&["-g", "comps.xml", "DIR"]);
    pair.put("p7.rpm", &Rpm::new("p7", "2", "1").bytes());
    let seen = pair.same(&["--update", "DIR"]);
    assert!(seen.records.iter().any(|record| record.kind == "group"));
    pair.put("p6.rpm", &Rpm::new("p6", "2", "1").bytes());
    pair.same(&["--update", "--keep-all-metadata", "DIR"]);
    pair.put("p5.rpm", &Rpm::new("p5", "2", "1").bytes());
    let seen = pair.same(&["--update", "--discard-additional-metadata", "DIR"]);
    assert!(!seen.records.iter().any(|record| record.kind == "group"));
}

#[test]
fn which_old_files_stay() {
    // How many files of each name there are afterwards.
    let counts = |pair: &Pair| {
        let [theirs, ours] = WHO.map(|who| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for entry in fs::read_dir(pair.folder(who).join("repodata")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if !name.starts_with('.') {
                    *counts.entry(plain(&name)).or_default() += 1;
                }
            }
            counts
        });
        assert_eq!(theirs, ours);
        ours
    };
    let classic = ["--compatibility", "--no-database", "--retain-old-md"];
    for (words, primaries) in [
        // Only what the old repomd.xml names goes.
        (vec!["--retain-old-md", "0"], 3),
        (vec!["--retain-old-md", "1"], 4),
        (vec!["--retain-old-md", "-1"], 4),
        (vec!["--retain-old-md", "1", "--update"], 4),
        (vec!["--retain-old-md-by-age", "1h"], 2),
        (vec!["--retain-old-md-by-age", "30d"], 4),
        ([&classic[..], &["0"]].concat(), 1),
        ([&classic[..], &["1"]].concat(), 2),
        ([&classic[..], &["2"]].concat(), 3),
        ([&classic[..], &["9"]].concat(), 4),
    ] {
        let pair = Pair::new();
        let compression = match words[0] {
            "--compatibility" => &["--general-compress-type", "gz"][..],
            _ => &[],
        };
        for number in 0..4 {
            let name = format!("q{number}");
            let rpm = Rpm::new(&name, "1", "1").changelog(1_700_000_000, "A <a@b.c> - 1", &name);
            pair.put(&format!("{name}.rpm"), &rpm.bytes());
            match number {
                3 => assert!(pair.run(&[&words[..], &["DIR"]].concat())),
                _ => assert!(pair.run(&[compression, &["--retain-old-md", "-1", "DIR"]].concat())),
            }
            if number == 3 {
                break;
            }
            // So that all files of this round are older than those of the next: the last ones are minutes old.
            for who in WHO {
                let repodata = pair.folder(who).join("repodata");
                fs::write(repodata.join("notes.txt"), "mine").unwrap();
                for entry in fs::read_dir(&repodata).unwrap() {
                    let path = entry.unwrap().path();
                    let now = SystemTime::now()
                        .duration_since(SystemTime::UNIX_EPOCH)
                        .unwrap();
                    let age = Duration::from_secs(match number {
                        2 => 60,
                        _ => 86_400 * (3 - number),
                    });
                    let made = path.metadata().unwrap().modified().unwrap();
                    if made.elapsed().is_ok_and(|since| since.as_secs() < 3_600) {
                        set_time(&path, (now - age).as_secs());
                    }
                }
            }
        }
        let counts = counts(&pair);
        let made: usize = counts
            .iter()
            .filter(|(name, _)| name.starts_with("primary.xml"))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(made, primaries, "{words:?}: {counts:?}");
        assert!(
            counts.contains_key("notes.txt") || primaries == 2,
            "{words:?}: {counts:?}"
        );
    }
}

#[test]
fn packages_that_are_there_more_than_once() {
    let pair = Pair::new();
    let built = |seconds| Rpm::new("twice", "1", "1").built_at(seconds).bytes();
    for (path, seconds) in [
        ("sub/new.rpm", 1_700_000_200),
        ("old.rpm", 1_700_000_100),
        ("sub/older.rpm", 1_700_000_000),
    ] {
        pair.put(path, &built(seconds));
    }
    // The same build in two places: the last place counts.
    for path in ["sub/same.rpm", "same.rpm"] {
        pair.put(path, &Rpm::new("same", "1", "1").bytes());
    }
    let all = pair.same(&["DIR"]).packages.len();
    assert_eq!(
        pair.same(&["--duplicated-nevra", "keep", "DIR"])
            .packages
            .len(),
        all
    );
    for update in [&[][..], &["--update"], &["--update"]] {
        let words = [update, &["-S", "--duplicated-nevra", "keep-last", "DIR"]].concat();
        let seen = pair.same(&words);
        let places: Vec<&str> = seen
            .packages
            .keys()
            .map(|place| place.split_once(' ').unwrap().0)
            .filter(|place| !place.contains("p0") && !place.contains("sub/p") && *place != "p2.rpm")
            .collect();
        assert_eq!(places, ["sub/new.rpm", "sub/same.rpm"]);
    }
    assert_eq!(pair.same(&["--update", "DIR"]).packages.len(), all);
}

#[test]
fn split_media() {
    let pair = Pair::new();
    // createrepo_c cuts all locations by the length of the first folder's path: equally long ones are right.
    for medium in ["disc1", "disc2"] {
        for number in 0..2 {
            let name = format!("{medium}-{number}");
            let rpm = Rpm::new(&name, "1", "1");
            pair.put(&format!("{medium}/Packages/{name}.rpm"), &rpm.bytes());
        }
        // The same path on both.
        pair.put(
            &format!("{medium}/both.rpm"),
            &Rpm::new(medium, "1", "1").bytes(),
        );
    }
    for words in [
        &["--split", "DIR/disc1", "DIR/disc2"][..],
        &[
            "--split",
            "-u",
            "http://example.com/set",
            "DIR/disc1",
            "DIR/disc2",
        ],
        &["--split", "--baseurl", "media://", "DIR/disc1", "DIR/disc2"],
    ] {
        assert!(pair.run(words));
        let seen = pair.same_seen(words, "disc1");
        assert_eq!(seen.packages.len(), 6, "{words:?}");
        assert!(!pair.folder("ours").join("disc2/repodata").exists());
    }
    // Media that an update knows keep what they have.
    let words = ["--split", "--update", "DIR/disc1", "DIR/disc2"];
    assert_eq!(cli::main(ours(&pair, &words)), ExitCode::SUCCESS);
    assert_eq!(
        see(&pair.folder("ours").join("disc1"), false)
            .packages
            .len(),
        6
    );
    // createrepo_c leaves a medium out that is not there, and says so only in a warning.
    let words = ["--split", "DIR/disc1", "DIR/missing"];
    assert_eq!(cli::main(ours(&pair, &words)), ExitCode::from(1));
}

fn ours(pair: &Pair, words: &[&str]) -> Vec<OsString> {
    let folder = pair.folder("ours");
    ["createrepo_c", "-q"]
        .iter()
        .chain(words)
        .map(|word| word.replace("DIR", folder.to_str().unwrap()).into())
        .collect()
}

#[test]
fn what_is_not_made_is_refused() {
    let pair = Pair::new();
    for word in ["--zck", "--deltas", "--ignore-lock", "--database"] {
        let code = cli::main(ours(&pair, &[word, "DIR"]));
        assert_eq!(code, ExitCode::from(1), "{word}");
    }
    assert!(!pair.folder("ours").join("repodata").exists());
}
