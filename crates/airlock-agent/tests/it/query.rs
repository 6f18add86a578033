//! The database, field by field, beside `rpm -qa --qf`.

use std::fmt::Write;
use std::path::PathBuf;

use airlock_rpm::db::{Database, FileState, Installed, Kind};
use airlock_rpm::package::{DependencyKind, Package};
use airlock_rpm::tag;
use airlock_rpm::text::decode;

use crate::scratch::{Scratch, packages, signed};

/// Every field that verification and decisions use. Arrays are looped over by rpm itself.
const FORMAT: &str = "%{DBINSTANCE}|%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{INSTALLTIME}|%{INSTALLTID}|%{BUILDTIME}|\
%{SIZE}|%{VENDOR}|%{SUMMARY}|%{SOURCERPM}|%{SHA1HEADER}|%{SHA256HEADER}|%{FILEDIGESTALGO}\n\
[F %{FILENAMES}|%{FILESIZES}|%{FILEMODES:octal}|%{FILEDIGESTS}|%{FILEFLAGS}|%{FILEVERIFYFLAGS}|%{FILEUSERNAME}|%{FILEGROUPNAME}|\
%{FILEMTIMES}|%{FILELINKTOS}|%{FILERDEVS}|%{FILESTATES}\n]\
[P %{PROVIDENAME}|%{PROVIDEFLAGS}|%{PROVIDEVERSION}\n]\
[R %{REQUIRENAME}|%{REQUIREFLAGS}|%{REQUIREVERSION}\n]\
[C %{CONFLICTNAME}|%{CONFLICTFLAGS}|%{CONFLICTVERSION}\n]\
[O %{OBSOLETENAME}|%{OBSOLETEFLAGS}|%{OBSOLETEVERSION}\n]\
[N %{RECOMMENDNAME}|%{RECOMMENDFLAGS}|%{RECOMMENDVERSION}\n]\
[K %{FILECAPS}\n]\
S %{RSAHEADER:pgpsig}\n\
S %{DSAHEADER:pgpsig}\n";

fn ours(installed: &Installed) -> String {
    let package = installed.package().unwrap();
    let header = installed.header();
    let text = |tag| header.string(tag).unwrap_or("(none)".into()).into_owned();
    let number = |number: Option<u64>| number.map_or("(none)".to_owned(), |one| one.to_string());
    let mut out = String::new();
    writeln!(
        out,
        "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
        installed.number(),
        package.name(),
        number(package.epoch().map(u64::from)),
        package.version(),
        package.release(),
        installed.arch().map_or("(none)".into(), decode),
        number(installed.install_time()),
        number(installed.transaction().map(u64::from)),
        number(package.build_time()),
        number(package.installed_size()),
        package.vendor().unwrap_or("(none)".into()),
        package.summary().unwrap_or("(none)".into()),
        package.source_rpm().unwrap_or("(none)".into()),
        text(tag::signature::SHA1),
        text(tag::signature::SHA256),
        number(header.u64(tag::main::FILEDIGESTALGO)),
    )
    .unwrap();
    files(&mut out, installed, &package);
    for (letter, kind) in [
        ('P', DependencyKind::Provides),
        ('R', DependencyKind::Requires),
        ('C', DependencyKind::Conflicts),
        ('O', DependencyKind::Obsoletes),
        ('N', DependencyKind::Recommends),
    ] {
        for one in package.dependencies(kind) {
            writeln!(
                out,
                "{letter} {}|{}|{}",
                one.name_text(),
                one.flags,
                one.evr_text()
            )
            .unwrap();
        }
    }
    for capability in installed.file_capabilities() {
        writeln!(out, "K {}", decode(capability)).unwrap();
    }
    let signatures = installed.signatures();
    for tag in ["RSAHEADER", "DSAHEADER"] {
        let said = signatures.iter().find(|one| one.tag == tag).map(|one| {
            let summary = one.summary.as_ref().unwrap();
            let key = summary.key_id.unwrap();
            format!("{}/{}, Key ID {key}", summary.algorithm, summary.hash)
        });
        writeln!(out, "S {}", said.unwrap_or("(none)".to_owned())).unwrap();
    }
    out
}

fn files(out: &mut String, installed: &Installed, package: &Package<'_>) {
    let states: Vec<FileState> = installed.file_states().collect();
    for (file, state) in package.files().zip(states) {
        writeln!(
            out,
            "F {}|{}|{:o}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            file.path(),
            file.size,
            file.mode,
            decode(file.digest),
            file.flags,
            file.verify_flags,
            decode(file.user),
            decode(file.group),
            file.mtime,
            decode(file.link_target),
            file.rdev,
            match state {
                FileState::Normal => 0,
                FileState::Replaced => 1,
                FileState::NotInstalled => 2,
                FileState::NetShared => 3,
                FileState::WrongColor => 4,
                FileState::Other(other) => other,
            }
        )
        .unwrap();
    }
}

/// rpm prints a time in the middle of a signature, in the words of its locale.
fn without_time(line: &str) -> String {
    match (
        line.starts_with("S RSA/") || line.starts_with("S DSA/"),
        line.find(", Key ID"),
    ) {
        (true, Some(end)) => {
            let start = line.find(',').unwrap();
            format!("{}{}", &line[..start], &line[end..])
        }
        _ => line.to_owned(),
    }
}

fn compare(scratch: &Scratch, extra: &[&str], database: &Database) {
    let mut arguments = vec!["-qa", "--qf", FORMAT];
    arguments.extend(extra);
    let theirs = scratch.rpm(&arguments);
    assert_eq!(theirs.code, 0, "{}", theirs.stderr);
    let theirs: Vec<String> = theirs.stdout.lines().map(without_time).collect();
    let packages = database.packages().unwrap();
    assert!(packages.len() > 5);
    let text: String = packages
        .iter()
        .map(|one| ours(one.as_ref().unwrap()))
        .collect();
    let found: Vec<&str> = text.lines().collect();
    for (found, expected) in found.iter().zip(&theirs) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), theirs.len());
}

#[test]
fn every_field_is_what_rpm_prints() {
    let scratch = Scratch::new();
    scratch.install(packages());
    let keyed = signed();
    scratch.install(&keyed.packages);
    let key = keyed.public_key.to_str().unwrap();
    assert_eq!(scratch.rpm(&["--import", key]).code, 0);
    // Documentation and some paths are left out: files of other states.
    let others: Vec<PathBuf> = packages().to_vec();
    let mut arguments = vec!["-i", "--nodeps", "--noscripts", "--force", "--excludedocs"];
    arguments.extend(["--excludepath", "/opt/kinds/dir"]);
    arguments.extend(others.iter().map(|path| path.to_str().unwrap()));
    assert_eq!(scratch.rpm(&arguments).code, 0);
    let database = Database::open(scratch.root(), None).unwrap();
    compare(&scratch, &[], &database);
}

#[test]
fn a_database_is_found_where_systems_keep_it() {
    for folder in ["/var/lib/rpm", "/usr/lib/sysimage/rpm"] {
        let scratch = Scratch::new();
        let mut arguments = vec!["--dbpath", folder, "-i", "--nodeps", "--noscripts"];
        arguments.extend(packages().iter().map(|path| path.to_str().unwrap()));
        assert_eq!(scratch.rpm(&arguments).code, 0);
        let found = Database::open(scratch.root(), None).unwrap();
        assert_eq!(
            found.location().file,
            scratch.at(folder).join("rpmdb.sqlite")
        );
        compare(&scratch, &["--dbpath", folder], &found);
        let named = Database::open(scratch.root(), Some(folder.as_ref())).unwrap();
        assert_eq!(named.location(), found.location());
    }
}

#[test]
fn every_field_of_a_berkeley_database_is_what_rpm_prints() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../airlock-rpm/tests/data/rpmdb/bdb");
    for pages in ["page512", "page4096", "page16384"] {
        let scratch = Scratch::new();
        let folder = scratch.at("var/lib/rpm");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(data.join(pages).join("Packages"), folder.join("Packages")).unwrap();
        let database = Database::open(scratch.root(), None).unwrap();
        assert_eq!(database.location().kind, Kind::BerkeleyDb);
        let backend = ["--dbpath", "/var/lib/rpm", "--define", "_db_backend bdb_ro"];
        compare(&scratch, &backend, &database);
    }
}
