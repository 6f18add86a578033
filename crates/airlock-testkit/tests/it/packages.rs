use std::process::Command;

use airlock_testkit::keys::SigningKey;
use airlock_testkit::programs::{require, run, run_ok};
use airlock_testkit::rpmbuild::{rpmbuild, small_spec};
use airlock_testkit::rpms::{Compression, Kind, Rpm, When};
use airlock_testkit::seeded::Seeded;
use airlock_testkit::{hostile, repos};

fn query(file: &std::path::Path, format: &str) -> String {
    run_ok(
        Command::new(require("rpm"))
            .args(["-qp", "--nosignature", "--qf", format])
            .arg(file),
    )
}

#[test]
fn rpm_reads_back_what_the_builder_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let package = Rpm::nevra("foo-3:2.0-1.x86_64")
        .requires("bar >= 1:2.0")
        .requires("(baz if qux)")
        .dependency(Kind::RequiresPre, "mini-sh")
        .recommends("nice")
        .obsoletes("old < 1")
        .file("/usr/bin/foo", "#!/bin/sh\n")
        .config("/etc/foo.conf", "a=1\n")
        .ghost("/var/log/foo.log")
        .script(When::Post, "true")
        .changelog(
            1_700_000_000,
            "A Person <a@example.com> - 2.0-1",
            "- Changed",
        );
    let file = package.write_to(folder.path());
    assert_eq!(file.file_name().unwrap(), "foo-2.0-1.x86_64.rpm");
    let nevra = query(
        &file,
        "%{NAME} %{EPOCH} %{VERSION} %{RELEASE} %{ARCH} %{BUILDTIME}",
    );
    assert_eq!(nevra, "foo 3 2.0 1 x86_64 1767225600");
    let requires = query(
        &file,
        "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]",
    );
    for wanted in [
        "bar >= 1:2.0",
        "(baz if qux)",
        "mini-sh",
        "/bin/sh",
        "config(foo) = 3:2.0-1",
    ] {
        assert!(
            requires.contains(wanted),
            "{wanted} is not among\n{requires}"
        );
    }
    let files = query(
        &file,
        "[%{FILENAMES} %{FILEFLAGS:fflags} %{FILEMODES:perms}\n]",
    );
    assert!(files.contains("/usr/bin/foo  -rwxr-xr-x"), "{files}");
    assert!(files.contains("/etc/foo.conf cn"), "{files}");
    assert!(files.contains("/var/log/foo.log g"), "{files}");
}

#[test]
fn every_compression_passes_the_digest_check_of_rpm() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Xz,
        Compression::Bzip2,
        Compression::None,
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let file = Rpm::new(&format!("p{number}"), "1", "1")
            .compression(kind)
            .file("/usr/share/p/data", Seeded::new(7).bytes(10_000))
            .write_to(folder.path());
        run_ok(
            Command::new(require("rpm"))
                .args(["-K", "--nosignature"])
                .arg(&file),
        );
    }
}

#[test]
fn equal_descriptions_give_equal_bytes() {
    let package = || {
        Rpm::new("same", "1", "1")
            .file("/usr/share/same", "same")
            .bytes()
    };
    assert_eq!(package(), package());
}

#[test]
fn rpmbuild_makes_a_source_package_and_a_module_label() {
    let folder = tempfile::tempdir().unwrap();
    let built = rpmbuild(
        &small_spec(
            "specced",
            "1.0",
            "1",
            "ModularityLabel: runtime:10:20260105:aaaa0001",
        ),
        folder.path(),
    );
    assert_eq!(
        query(&built.source, "%{SOURCEPACKAGE} %{NAME}"),
        "1 specced"
    );
    assert_eq!(
        query(&built.binaries[0], "%{MODULARITYLABEL}"),
        "runtime:10:20260105:aaaa0001"
    );
}

#[test]
fn packages_signed_by_either_kind_of_key_pass_the_check_of_rpm() {
    for key in [
        SigningKey::rsa("old-style"),
        SigningKey::ed25519("new-style"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = Rpm::new("signed", "1", "1")
            .file("/usr/share/signed", "x")
            .write_to(folder.path());
        key.sign_rpms(&[&file]);
        let database = folder.path().join("rpmdb");
        let public = key.write_public_key(&folder.path().join("key.asc"));
        run_ok(
            Command::new(require("rpmkeys"))
                .arg("--dbpath")
                .arg(&database)
                .arg("--import")
                .arg(&public),
        );
        let checked = run(Command::new(require("rpmkeys"))
            .arg("--dbpath")
            .arg(&database)
            .arg("-Kv")
            .arg(&file))
        .expect_success();
        let short = key.fingerprint()[32..].to_lowercase();
        assert!(
            checked.stdout.contains(&short) && checked.stdout.contains("OK"),
            "{}",
            checked.stdout
        );
    }
}

#[test]
fn either_createrepo_c_reads_the_packages_and_the_modules() {
    for (peer, compression) in [
        (repos::Peer::Distribution, "gz"),
        (repos::Peer::Newest, "zstd"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut repository = repos::Repository::at(folder.path());
        repository.add(&Rpm::new("a", "1", "1"));
        repository
            .erratum(
                repos::Erratum::new("EX-1", "bugfix", "2026-01-01 00:00:00")
                    .package(&Rpm::new("a", "1", "1")),
            )
            .modules(repos::modules_yaml(
                &[repos::ModuleStream::new("m", "1", 1, "c")],
                &[],
            ))
            .comps(repos::comps_xml(
                &[repos::Group::new("g", "G", &["a"])],
                &[],
            ))
            .peer(peer)
            .compress(compression)
            .revision("1767225600")
            .publish();
        let repomd = std::fs::read_to_string(repository.repomd()).unwrap();
        for kind in [
            "primary",
            "filelists",
            "other",
            "group",
            "updateinfo",
            "modules",
        ] {
            assert!(
                repomd.contains(&format!("type=\"{kind}\"")),
                "{kind} is missing in\n{repomd}"
            );
        }
        assert_eq!(repository.remove("a-"), 1);
        assert!(repository.packages().is_empty());
    }
}

#[test]
fn hostile_files_are_small_and_rpm_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    for (number, case) in hostile::lying_rpm_headers().into_iter().enumerate() {
        assert!(
            case.bytes.len() < 300,
            "{}: {} bytes",
            case.name,
            case.bytes.len()
        );
        let file = folder.path().join(format!("{number}.rpm"));
        std::fs::write(&file, &case.bytes).unwrap();
        let finished = run(Command::new(require("rpm"))
            .args(["-qp", "--nosignature"])
            .arg(&file));
        assert!(finished.code == 1, "{}: {}", case.name, finished.text());
    }
    let good = Rpm::new("good", "1", "1").bytes();
    let cuts = hostile::cut(&good, 1, 20);
    assert!(cuts.len() >= 20);
    assert!(cuts.iter().all(|case| case.bytes.len() < good.len()));
    assert!(
        hostile::flipped(&good, 1, 20)
            .iter()
            .all(|case| case.bytes.len() == good.len())
    );
}

#[test]
fn dnf_reads_the_zchunk_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let mut repository = repos::Repository::at(folder.path());
    repository.add(&Rpm::new("a", "1", "1"));
    repository.publish().add_zchunk();
    let tree = repository.kickstart_tree();
    assert!(tree.iter().all(|path| folder.path().join(path).is_file()));
    let server = airlock_testkit::http::HttpServer::serve(folder.path());
    let mut dnf = airlock_testkit::dnf::Dnf::new();
    dnf.repo("zck", &server.url(), None).setting("zchunk=1");
    assert_eq!(dnf.query(&["a"]), ["a-0:1-1.noarch"]);
    // Whether this build of dnf asks for zchunk files or for gzip ones, it must not stumble over the entries.
    assert!(
        server
            .requests()
            .iter()
            .any(|request| request.path.contains("primary.xml"))
    );
}
