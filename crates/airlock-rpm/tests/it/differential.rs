//! What rpm says about a package and what this crate says, field by field.

use std::path::{Path, PathBuf};
use std::process::Command;

use airlock_rpm::package::{DependencyKind, Package};
use airlock_rpm::read_package;
use airlock_rpm::tag::main;

use crate::built::built;

/// One field a line group, each ended by a line that no field contains.
const FIELDS: &[(&str, &str)] = &[
    ("name", "%{NAME}"),
    ("epoch", "%{EPOCH}"),
    ("version", "%{VERSION}"),
    ("release", "%{RELEASE}"),
    ("nevra", "%{NEVR}%{ARCHSUFFIX}"),
    ("summary", "%{SUMMARY}"),
    ("description", "%{DESCRIPTION}"),
    ("license", "%{LICENSE}"),
    ("group", "%{GROUP}"),
    ("url", "%{URL}"),
    ("vendor", "%{VENDOR}"),
    ("packager", "%{PACKAGER}"),
    ("buildhost", "%{BUILDHOST}"),
    ("buildtime", "%{BUILDTIME}"),
    ("sourcerpm", "%{SOURCERPM}"),
    ("size", "%{LONGSIZE}"),
    ("archivesize", "%{LONGARCHIVESIZE}"),
    ("compressor", "%{PAYLOADCOMPRESSOR}"),
    ("digestalgo", "%{FILEDIGESTALGO}"),
    (
        "requires",
        "[%{REQUIRENAME}|%{REQUIREFLAGS}|%{REQUIREVERSION}\n]",
    ),
    (
        "provides",
        "[%{PROVIDENAME}|%{PROVIDEFLAGS}|%{PROVIDEVERSION}\n]",
    ),
    (
        "conflicts",
        "[%{CONFLICTNAME}|%{CONFLICTFLAGS}|%{CONFLICTVERSION}\n]",
    ),
    (
        "obsoletes",
        "[%{OBSOLETENAME}|%{OBSOLETEFLAGS}|%{OBSOLETEVERSION}\n]",
    ),
    (
        "suggests",
        "[%{SUGGESTNAME}|%{SUGGESTFLAGS}|%{SUGGESTVERSION}\n]",
    ),
    (
        "supplements",
        "[%{SUPPLEMENTNAME}|%{SUPPLEMENTFLAGS}|%{SUPPLEMENTVERSION}\n]",
    ),
    (
        "recommends",
        "[%{RECOMMENDNAME}|%{RECOMMENDFLAGS}|%{RECOMMENDVERSION}\n]",
    ),
    (
        "enhances",
        "[%{ENHANCENAME}|%{ENHANCEFLAGS}|%{ENHANCEVERSION}\n]",
    ),
    (
        "files",
        "[%{FILENAMES}|%{FILEMODES}|%{FILEFLAGS}|%{LONGFILESIZES}|%{FILEMTIMES}|%{FILEDIGESTS}|\
         %{FILELINKTOS}|%{FILEUSERNAME}|%{FILEGROUPNAME}|%{FILEVERIFYFLAGS}|%{FILERDEVS}\n]",
    ),
    (
        "changelog",
        "[%{CHANGELOGTIME}|%{CHANGELOGNAME}|%{CHANGELOGTEXT}\n]",
    ),
];

const END: &[u8] = b"\n--8<-- end of field --8<--\n";

fn ask_rpm(path: &Path) -> Vec<Vec<u8>> {
    let mut format = String::new();
    for (_, query) in FIELDS {
        format.push_str(query);
        format.push_str(std::str::from_utf8(END).unwrap());
    }
    let output = Command::new("rpm")
        .args(["-qp", "--nosignature", "--qf", &format])
        .arg(path)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("rpm is needed: run scripts/test");
    assert!(output.status.success(), "{output:?}");
    let mut fields = Vec::new();
    let mut rest = &output.stdout[..];
    while let Some(at) = rest.windows(END.len()).position(|window| window == END) {
        fields.push(rest[..at].to_vec());
        rest = &rest[at + END.len()..];
    }
    fields
}

fn or_none(value: Option<&[u8]>) -> Vec<u8> {
    value.unwrap_or(b"(none)").to_vec()
}

fn number(value: Option<u64>) -> Vec<u8> {
    value.map_or(b"(none)".to_vec(), |number| number.to_string().into_bytes())
}

fn rows(rows: Vec<Vec<Vec<u8>>>) -> Vec<u8> {
    // rpm writes one "(none)" row for an array that is not there.
    let mut out = Vec::new();
    for row in rows {
        out.extend(row.join(&b'|'));
        out.push(b'\n');
    }
    out
}

fn ask_us(package: &Package<'_>) -> Vec<Vec<u8>> {
    let header = package.header();
    let text = |tag| or_none(header.bytes(tag));
    let dependencies = |kind| {
        rows(
            package
                .dependencies(kind)
                .map(|dependency| {
                    vec![
                        dependency.name.to_vec(),
                        dependency.flags.to_string().into_bytes(),
                        dependency.evr.to_vec(),
                    ]
                })
                .collect(),
        )
    };
    vec![
        package.name().into(),
        number(package.epoch().map(u64::from)),
        package.version().into(),
        package.release().into(),
        // rpm shows an epoch of 0 only when it is given.
        format!(
            "{}-{}{}-{}.{}",
            package.name(),
            package
                .epoch()
                .map_or(String::new(), |epoch| format!("{epoch}:")),
            package.version(),
            package.release(),
            package.arch()
        )
        .into_bytes(),
        text(main::SUMMARY),
        text(main::DESCRIPTION),
        text(main::LICENSE),
        text(main::GROUP),
        text(main::URL),
        text(main::VENDOR),
        text(main::PACKAGER),
        text(main::BUILDHOST),
        number(package.build_time()),
        text(main::SOURCERPM),
        number(package.installed_size()),
        number(package.archive_size()),
        text(main::PAYLOADCOMPRESSOR),
        number(header.u32(main::FILEDIGESTALGO).map(u64::from)),
        dependencies(DependencyKind::Requires),
        dependencies(DependencyKind::Provides),
        dependencies(DependencyKind::Conflicts),
        dependencies(DependencyKind::Obsoletes),
        dependencies(DependencyKind::Suggests),
        dependencies(DependencyKind::Supplements),
        dependencies(DependencyKind::Recommends),
        dependencies(DependencyKind::Enhances),
        rows(
            package
                .files()
                .map(|file| {
                    let mut path = Vec::new();
                    file.path_into(&mut path);
                    vec![
                        path,
                        file.mode.to_string().into_bytes(),
                        file.flags.to_string().into_bytes(),
                        file.size.to_string().into_bytes(),
                        file.mtime.to_string().into_bytes(),
                        file.digest.to_vec(),
                        file.link_target.to_vec(),
                        file.user.to_vec(),
                        file.group.to_vec(),
                        file.verify_flags.to_string().into_bytes(),
                        file.rdev.to_string().into_bytes(),
                    ]
                })
                .collect(),
        ),
        rows(
            package
                .changelogs()
                .map(|entry| {
                    vec![
                        entry.time.to_string().into_bytes(),
                        entry.author.to_vec(),
                        entry.text.to_vec(),
                    ]
                })
                .collect(),
        ),
    ]
}

/// Compares one file; returns the names of the fields that differ.
fn compare(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let head = match read_package(&mut &bytes[..]) {
        Ok(head) => head,
        Err(error) => return vec![format!("unreadable: {error}")],
    };
    let package = match Package::new(&head) {
        Ok(package) => package,
        Err(error) => return vec![format!("refused: {error}")],
    };
    let theirs = ask_rpm(path);
    let ours = ask_us(&package);
    assert_eq!(theirs.len(), FIELDS.len());
    let mut different = Vec::new();
    for (((name, _), theirs), ours) in FIELDS.iter().zip(&theirs).zip(&ours) {
        let empty_rows = ours.is_empty()
            && theirs
                .split(|byte| *byte == b'|' || *byte == b'\n')
                .all(|word| word.is_empty() || word == b"(none)");
        if theirs != ours && !empty_rows {
            different.push(format!(
                "{name}: rpm says {}, we say {}",
                theirs.escape_ascii(),
                ours.escape_ascii()
            ));
        }
    }
    different
}

#[test]
fn every_field_equals_rpm() {
    let mut files: Vec<PathBuf> = built().files.clone();
    // Any folder of packages, so that more cases need no code.
    if let Some(folder) = std::env::var_os("AIRLOCK_RPM_CASES") {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "rpm") {
                files.push(path);
            }
        }
    }
    assert!(files.len() >= 20, "only {} packages", files.len());
    let mut report = String::new();
    let mut differ = 0;
    for path in &files {
        let different = compare(path);
        if !different.is_empty() {
            differ += 1;
            report.push_str(&format!("{}\n", path.display()));
            for line in different {
                report.push_str(&format!("    {line}\n"));
            }
        }
    }
    println!("{} compared, {differ} differ", files.len());
    assert_eq!(differ, 0, "{report}");
}

#[test]
fn the_kinds_of_packages_are_told_apart() {
    let arch_of = |start: &str| {
        let bytes = built().named(start);
        let head = read_package(&mut &bytes[..]).unwrap();
        let package = Package::new(&head).unwrap();
        let lead = package.lead_says_source().unwrap();
        let source = package.is_source();
        assert_eq!(package.metadata_arch() == "src", source);
        (package.arch().to_owned(), source, lead)
    };
    assert_eq!(
        arch_of("everything-1.2~rc1^git5-4.el9.src"),
        ("src".to_owned(), true, true)
    );
    assert_eq!(
        arch_of("withheld-1-1.nosrc"),
        ("nosrc".to_owned(), true, true)
    );
    assert_eq!(
        arch_of("withheld-1-1.noarch"),
        ("noarch".to_owned(), false, false)
    );
    assert_eq!(arch_of("latin1-1.2"), ("noarch".to_owned(), false, false));
}

#[test]
fn old_weak_dependencies_are_sorted_out() {
    let mut main = crate::forge::main_header();
    main.texts(1156, &["soft", "firm"])
        .texts(1157, &["", "2"])
        .int32(1158, &[0, 1 << 27 | 8])
        .texts(1159, &["mine"])
        .texts(1160, &[""])
        .int32(1161, &[1 << 27]);
    let bytes = crate::forge::around(&main);
    let head = read_package(&mut &bytes[..]).unwrap();
    let package = Package::new(&head).unwrap();
    let names = |kind| -> Vec<String> {
        package
            .old_weak_dependencies(kind)
            .map(|dependency| dependency.name_text().into_owned())
            .collect()
    };
    assert_eq!(names(DependencyKind::Suggests), ["soft"]);
    assert_eq!(names(DependencyKind::Recommends), ["firm"]);
    assert_eq!(names(DependencyKind::Supplements), ["mine"]);
    assert!(names(DependencyKind::Enhances).is_empty());
    assert!(names(DependencyKind::Requires).is_empty());
}

#[test]
fn texts_and_flags_are_decoded() {
    let bytes = built().named("latin1-1.2");
    let head = read_package(&mut &bytes[..]).unwrap();
    let package = Package::new(&head).unwrap();
    assert_eq!(package.summary().unwrap(), "café");
    assert_eq!(package.description().unwrap(), "naïve");
    let paths: Vec<String> = package
        .files()
        .map(|file| file.path().into_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "/opt/latin1",
            "/opt/latin1/with space",
            "/opt/latin1/zażółć"
        ]
    );

    let bytes = built().named("everything-1.2~rc1^git5-4.el9.x86_64");
    let head = read_package(&mut &bytes[..]).unwrap();
    let package = Package::new(&head).unwrap();
    assert_eq!(package.epoch(), Some(3));
    assert_eq!(package.summary().unwrap(), "Uses every field – ünïcode");
    assert!(head.header_range.start.is_multiple_of(8));
    let pre: Vec<String> = package
        .requires()
        .filter(|dependency| dependency.is_pre())
        .map(|dependency| dependency.name_text().into_owned())
        .collect();
    assert_eq!(pre, ["/bin/sh", "/bin/sh", "needed-post", "needed-pre"]);
    assert_eq!(package.requires().filter(|d| d.is_rich()).count(), 2);
    assert!(package.requires().any(|d| d.is_rpmlib()));
    let file = |path: &str| package.files().find(|file| file.path() == path).unwrap();
    assert!(file("/etc/everything/main.conf").is_config());
    assert!(file("/var/lib/everything/ghost.log").is_ghost());
    assert!(file("/usr/share/doc/everything/README").is_doc());
    assert!(file("/etc/everything").is_dir());
    assert_eq!(file("/etc/everything/link").link_target, b"../main.conf");
    assert_eq!(file("/etc/everything/user.conf").user, b"daemon");
    assert_eq!(package.file_digest_algorithm().name(), Some("sha256"));
    let authors: Vec<String> = package
        .changelogs()
        .map(|entry| entry.author_text().into_owned())
        .collect();
    assert_eq!(authors.len(), 3);
    assert_eq!(authors[0], "Jane Doe <jane@example.org> - 1.2-4");

    let bytes = built().named("old-1.2~rc1^git5-4.el9.x86_64");
    let head = read_package(&mut &bytes[..]).unwrap();
    let package = Package::new(&head).unwrap();
    assert_eq!(package.file_digest_algorithm().name(), Some("md5"));
}
