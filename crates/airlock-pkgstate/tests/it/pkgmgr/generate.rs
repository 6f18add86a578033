//! `gen`: what the old tool could not do.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use airlock_pkgstate::pkgmgr::cli::main_gen;
use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::rpms::Rpm;
use tempfile::tempdir;

use super::{airlock, airlock_json, data, put, text};

/// 2026-01-01 and a day later.
const FIRST: u32 = 1_767_225_600;
const SECOND: u32 = FIRST + 86_400;

fn two_builds(folder: &Path) {
    for (version, built) in [("1", FIRST), ("2", SECOND)] {
        Rpm::new("tool", version, "1")
            .built_at(built)
            .write_to(folder);
    }
}

fn versions(out: &str) -> Vec<&str> {
    let after = |line: &'_ str| line.split("version='").nth(1).map(str::len);
    out.lines()
        .filter_map(|line| after(line).map(|length| &line[line.len() - length..]))
        .map(|rest| rest.split('\'').next().unwrap())
        .collect()
}

#[test]
fn dates_let_in_whole_days_of_the_build_with_both_ends() {
    let folder = tempdir().unwrap();
    two_builds(folder.path());
    let run = |more: &[&str]| {
        let words = [&["gen", "-r", "all", "-d", text(folder.path())], more].concat();
        let ran = airlock(words);
        assert_eq!(ran.code, 0, "{}", ran.err);
        versions(&ran.out).join(" ")
    };
    assert_eq!(run(&[]), "1 2");
    assert_eq!(run(&["--enddate", "2026-01-01"]), "1");
    assert_eq!(run(&["-s", "2026-01-02"]), "2");
    assert_eq!(
        run(&["-s", "2026-01-01T00:00:01Z", "-e", "2026-01-02"]),
        "2"
    );
    assert_eq!(
        run(&["-s", "2026-01-02T00:00:00Z", "-e", "2026-01-02T00:00:00Z"]),
        "2"
    );
    assert_eq!(run(&["-s", "2026-01-03"]), "");
}

#[test]
fn dates_can_be_those_of_the_files() {
    let folder = tempdir().unwrap();
    two_builds(folder.path());
    let old = folder.path().join("tool-2-1.noarch.rpm");
    let done = Command::new("touch")
        .args(["-d", "2001-02-03T00:00:00Z"])
        .arg(&old)
        .status();
    assert!(done.unwrap().success());
    let words = [
        "gen",
        "--date-field",
        "mtime",
        "-e",
        "2001-02-03",
        "-d",
        text(folder.path()),
    ];
    assert_eq!(versions(&airlock(words).out), ["2"]);
}

#[test]
fn a_range_that_holds_nothing_and_words_that_are_no_dates_are_wrong_usage() {
    let base = ["gen", "-d", "/", "-s"];
    for (words, why) in [
        (
            vec!["2026-01-02", "-e", "2026-01-01"],
            "--startdate is after --enddate",
        ),
        (vec!["yesterday"], "\"yesterday\" is no date"),
    ] {
        let ran = airlock(base.into_iter().chain(words));
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}

#[test]
fn every_architecture_is_listed_and_the_highest_x86_one() {
    let folder = tempdir().unwrap();
    let archs = [
        "aarch64", "s390x", "ppc64le", "riscv64", "armv7hl", "i586", "i686", "x86_64",
    ];
    for arch in archs {
        Rpm::new("tool", "1", "1")
            .arch(arch)
            .write_to(folder.path());
    }
    let listed = |archs: &[&str]| {
        let words = [&["gen", "-d", text(folder.path())], archs].concat();
        let answer = airlock_json(words);
        let instances = answer["packages"][0]["instances"].as_array().unwrap();
        let arch = |one: &serde_json::Value| one["arch"].as_str().unwrap().to_owned();
        instances.iter().map(arch).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        listed(&[]),
        "aarch64 armv7hl i686 ppc64le riscv64 s390x x86_64"
    );
    assert_eq!(listed(&["-a", "i586,s390x"]), "i586 s390x");
}

#[test]
fn values_are_escaped_and_the_list_can_be_read_again() {
    let folder = tempdir().unwrap();
    let package = Rpm::new("tool", "1", "1").bytes();
    std::fs::write(folder.path().join("a'b&<c>.rpm"), package).unwrap();
    let words = [
        "gen",
        "-P",
        "-f",
        "rpm",
        "-u",
        "http://h/?a=1&b='2'",
        "-g",
        "R&D,<x>",
    ];
    let ran = airlock(words.into_iter().chain(["-d", text(folder.path())]));
    insta::assert_snapshot!(ran.out, @r"
    <PackageList uri='http://h/?a=1&amp;b=&apos;2&apos;' priority='0' type='rpm'>
        <Group name='R&amp;D'>
            <Group name='&lt;x&gt;'>
                <Package name='tool' type='rpm'>
                    <Instance simplefile='a&apos;b&amp;&lt;c&gt;.rpm' version='1' release='1' arch='noarch'/>
                </Package>
            </Group>
        </Group>
    </PackageList>
    ");
    let list = put(folder.path(), "list.xml", &ran.out);
    assert_eq!(airlock(["lint", &list]).code, 0);
}

#[test]
fn folders_may_be_patterns_and_one_that_is_not_there_is_an_error() {
    let folder = tempdir().unwrap();
    for (name, version) in [("el9/a", "1"), ("el9/b", "2"), ("el8/a", "3")] {
        let inner = folder.path().join(name);
        std::fs::create_dir_all(&inner).unwrap();
        Rpm::new("tool", version, "1").write_to(&inner);
    }
    let base = text(folder.path());
    let run = |pattern: &str| airlock(["gen", "-r", "all", "-d", pattern]);
    assert_eq!(versions(&run(&format!("{base}/el9/*")).out), ["1", "2"]);
    assert_eq!(
        versions(&run(&format!("{base}/el?/a,{base}/el9/b")).out),
        ["1", "2", "3"]
    );
    let ran = run(&format!("{base}/el9/a,{base}/el7"));
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.contains("/el7\": there is no such folder"),
        "{}",
        ran.err
    );
    let ran = run(&format!("{base}/el[9"));
    assert!(
        ran.code == 1 && ran.err.contains("is no pattern"),
        "{}",
        ran.err
    );
    let ran = airlock([
        "gen",
        "-d",
        &format!("{base}/el8/a"),
        &format!("{base}/el9/a"),
    ]);
    assert!(
        ran.code == 2 && ran.err.contains("put a pattern of folders in quotes"),
        "{}",
        ran.err
    );
}

#[test]
fn a_package_that_cannot_be_read_is_named_and_no_list_is_made() {
    let folder = tempdir().unwrap();
    two_builds(folder.path());
    std::fs::write(folder.path().join("broken.rpm"), b"no package").unwrap();
    let target = put(folder.path(), "list.xml", "the old list");
    let ran = airlock(["gen", "-d", text(folder.path()), "-o", &target]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("broken.rpm"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(target).unwrap(), "the old list");
}

#[test]
fn a_pipe_among_the_packages_is_named_and_not_waited_for() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe.rpm");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    std::fs::create_dir(folder.path().join("folder.rpm")).unwrap();
    let ran = airlock(["gen", "-d", text(folder.path())]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.contains("pipe.rpm: it is no plain file"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("folder.rpm"), "{}", ran.err);
}

#[test]
fn a_source_package_never_counts_as_one_of_its_build_machine() {
    let folder = tempdir().unwrap();
    let mut build = Command::new("rpmbuild");
    let spec = "Name: only\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\n%description\nx\n";
    let spec = put(folder.path(), "only.spec", spec);
    build.args(["-bs", "--quiet", "--define"]);
    build
        .arg(format!("_srcrpmdir {}", folder.path().display()))
        .arg(spec);
    assert!(build.output().unwrap().status.success());
    let ran = airlock(["gen", "-d", text(folder.path())]);
    // An empty element, as the old tool wrote it for the repositories of source packages.
    assert_eq!(
        ran.out,
        "    <Package name='only' type='yum'>\n    </Package>\n"
    );
    assert!(
        ran.err
            .contains("only: there are only source packages of it"),
        "{}",
        ran.err
    );
    let ran = airlock(["gen", "-a", "x86_64,noarch", "-d", text(folder.path())]);
    assert_eq!(ran.out, "");
}

#[test]
fn an_epoch_of_zero_is_like_none_when_the_newest_is_looked_for() {
    let folder = tempdir().unwrap();
    Rpm::new("tool", "2", "1").write_to(folder.path());
    Rpm::new("tool", "1", "1").epoch(0).write_to(folder.path());
    let ran = airlock(["gen", "-d", text(folder.path())]);
    assert_eq!(versions(&ran.out), ["2"]);
}

#[test]
fn repositories_are_read_in_every_compression_and_by_every_kind_of_address() {
    let golden = std::fs::read_to_string(data("pkgmgr_gen/repo-yum.out")).unwrap();
    let plain = {
        let packed = std::fs::File::open(data("repo/repodata/primary.xml.gz")).unwrap();
        let opened = airlock_repodata::compress::open(packed, &Default::default()).unwrap();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut { opened }, &mut text).unwrap();
        text
    };
    use airlock_repodata::compress::{Format, Writer};
    for format in [
        Format::Plain,
        Format::Gz,
        Format::Xz,
        Format::Bz2,
        Format::Zstd,
        Format::Zchunk,
    ] {
        let folder = tempdir().unwrap();
        let repodata = folder.path().join("my repo/repodata");
        std::fs::create_dir_all(&repodata).unwrap();
        let mut packed = Vec::new();
        let mut writer = Writer::new(format, None, &mut packed).unwrap();
        std::io::Write::write_all(&mut writer, &plain).unwrap();
        writer.finish().unwrap();
        std::fs::write(repodata.join("primary.bin"), &packed).unwrap();
        let sum = sha256(&packed);
        let repomd = format!(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><data type=\"primary\"><checksum type=\"sha256\">{sum}</checksum><location href=\"repodata/primary.bin\"/></data></repomd>"
        );
        std::fs::write(repodata.join("repomd.xml"), repomd).unwrap();
        let server = HttpServer::serve(folder.path());
        for address in [
            format!("{}/my%20repo/", server.url()),
            format!("{}/my%20repo", server.url()),
            format!("file://{}/my%20repo", folder.path().display()),
        ] {
            let ran = airlock(["gen", "-y", &address]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{format} {address}");
            assert_eq!(ran.out, golden, "{format} {address}");
        }
        // A file that is not the one of repomd.xml is never used.
        std::fs::write(repodata.join("primary.bin"), b"other").unwrap();
        let ran = airlock(["gen", "-y", &format!("{}/my%20repo/", server.url())]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    let sum = sha2::Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_repository_that_cannot_be_had_ends_with_1_under_both_names() {
    let folder = tempdir().unwrap();
    let server = HttpServer::serve(folder.path());
    let address = format!("{}/repo/", server.url());
    let ran = airlock(["gen", "-y", &address]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("HTTP status 404"), "{}", ran.err);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["pkgmgr_gen.py", "-y", &address].map(OsString::from);
    assert_eq!(main_gen(words, &mut out, &mut err), 1);
    let said = String::from_utf8(out).unwrap();
    let place = address.replace("http:", "");
    assert_eq!(
        said,
        format!("ERROR 404: Unable to retrieve {place}repodata/repomd.xml\n")
    );
    for address in ["ftp://h/", "repo"] {
        let ran = airlock(["gen", "-y", address]);
        assert!(
            ran.code == 1 && ran.err.contains("give an address"),
            "{}",
            ran.err
        );
    }
    server.fault(
        "/repo/repodata/repomd.xml",
        Fault::Replace(b"<html>".to_vec()),
    );
    std::fs::create_dir_all(folder.path().join("repo/repodata")).unwrap();
    std::fs::write(folder.path().join("repo/repodata/repomd.xml"), b"x").unwrap();
    let ran = airlock(["gen", "-y", &address]);
    assert!(
        ran.code == 1 && ran.err.contains("repomd.xml"),
        "{}",
        ran.err
    );
}

#[test]
fn secrets_of_an_address_are_not_shown() {
    let folder = tempdir().unwrap();
    let server = HttpServer::serve(folder.path());
    let address = server.url().replace("http://", "http://me:hunter2@");
    let ran = airlock(["gen", "-v", "-y", &format!("{address}/")]);
    assert_eq!(ran.code, 1);
    assert!(
        !format!("{}{}", ran.out, ran.err).contains("hunter2"),
        "{ran:?}"
    );
}

#[test]
fn a_pattern_passes_over_plain_files_and_a_file_is_no_folder() {
    let folder = tempdir().unwrap();
    let base = text(folder.path());
    let inner = folder.path().join("el9");
    std::fs::create_dir(&inner).unwrap();
    two_builds(&inner);
    put(folder.path(), "el9.txt", "no folder");
    let run = |pattern: &str| airlock(["gen", "-d", &format!("{base}/{pattern}")]);
    let ran = run("el*");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(versions(&ran.out), ["2"]);
    for pattern in ["el9.txt", "el9.*", "el9/*.rpm"] {
        let ran = run(pattern);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        let expected = format!(
            "error: --rpmdirs: \"{base}/{pattern}\": that is a file; name the folder that it lies in\n"
        );
        assert_eq!(ran.err, expected);
    }
}

#[test]
fn a_list_of_nothing_is_made_with_a_word_about_it() {
    let folder = tempdir().unwrap();
    let (full, empty) = (folder.path().join("full"), folder.path().join("empty"));
    std::fs::create_dir(&full).unwrap();
    std::fs::create_dir(&empty).unwrap();
    two_builds(&full);
    let (full, empty) = (text(&full), text(&empty));
    // The old tool made the empty list too.
    let ran = airlock(["gen", "-P", "-d", empty]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "<PackageList priority='0' type='yum'>\n</PackageList>\n")
    );
    let expected =
        format!("warning: {empty}: no file *.rpm lies there; folders below are not looked into\n");
    assert_eq!(ran.err, expected);
    let ran = airlock(["gen", "-d", full, "-a", "x86_64"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(
        ran.err,
        "warning: none of the 2 packages that there are is let in by --archs, --startdate and --enddate\n"
    );
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["pkgmgr_gen.py", "-d", empty].map(OsString::from);
    assert_eq!(main_gen(words, &mut out, &mut err), 0);
    assert_eq!(
        (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap()
        ),
        (String::new(), expected)
    );
}

#[test]
fn options_without_effect_and_numbers_that_are_none_are_told() {
    let folder = tempdir().unwrap();
    two_builds(folder.path());
    let run = |more: &[&str]| airlock([&["gen", "-d", text(folder.path())], more].concat());
    assert_eq!(
        run(&["-P", "-f", "rpm", "-u", "http://h/", "-p", "3"]).err,
        ""
    );
    let ran = run(&["-u", "http://h/", "-p", "0"]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.err,
        "warning: --uri does nothing without --pkgmgrhdr (-P): it is written on the PackageList\n\
         warning: --priority does nothing without --pkgmgrhdr (-P): it is written on the PackageList\n"
    );
    let ran = run(&["-P", "-u", "http://h/"]);
    assert!(
        ran.err.contains("--uri does nothing with --format yum"),
        "{}",
        ran.err
    );
    let ran = run(&["-a", "x86_64, noarch"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .starts_with("error: --archs: rpm knows no architecture \" noarch\""),
        "{}",
        ran.err
    );
    let ran = run(&["-a", "i686,i686"]);
    assert!(
        ran.code == 2 && ran.err.contains("stands there twice"),
        "{}",
        ran.err
    );
    for option in ["-p", "-i"] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let words = ["pkgmgr_gen.py", "-d", "/", option, "abc"].map(OsString::from);
        assert_eq!(main_gen(words, &mut out, &mut err), 2);
        let said = String::from_utf8(err).unwrap();
        assert!(
            said.contains("that is no whole number; write one like 0 or 10"),
            "{said}"
        );
    }
}
