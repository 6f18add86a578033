//! Damage of every kind: our lines are those of `rpm -Va` on the same root.

use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use crate::scratch::{Scratch, some};

/// All but the one with a script. rpm drops a package that another one of the same transaction obsoletes.
fn install(scratch: &Scratch) {
    let names = [
        "kinds-1.0",
        "kinds-needs",
        "kinds-rival",
        "kinds-twin",
        "kinds-aliases",
    ];
    scratch.install(&some(&names));
    scratch.install(&some(&["kinds-old"]));
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Damages a root of `kinds`: each file in the way that its name says.
fn damage(scratch: &Scratch) {
    let at = |name: &str| scratch.at("opt/kinds").join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    // Size, content and time.
    std::fs::write(at("size"), "another length, which is longer\n").unwrap();
    // Content of the same length, time set back.
    let before = std::fs::metadata(at("content"))
        .unwrap()
        .modified()
        .unwrap();
    std::fs::write(at("content"), "CONTENT of kinds\n").unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(at("content"))
        .unwrap();
    file.set_modified(before).unwrap();
    mode(&at("mode"), 0o600);
    mode(&at("suid"), 0o755);
    mode(&at("dir"), 0o777);
    chown(at("user"), Some(4711), None).unwrap();
    chown(at("number"), Some(60_001), Some(60_001)).unwrap();
    chown(at("group"), None, Some(4712)).unwrap();
    run("touch", &["-d", "2001-02-03T04:05:06", &text("mtime")]);
    run("touch", &["-d", "2001-02-03T04:05:06", &text("sharedtime")]);
    std::fs::remove_file(at("gone")).unwrap();
    std::fs::remove_file(at("missingok")).unwrap();
    for name in [
        "config",
        "conffile.noreplace",
        "doc",
        "license",
        "readme",
        "nomd5",
        "noall",
        "onlymode",
        "artifact",
        "shared",
        "with blank",
    ] {
        std::fs::write(at(name), "changed\n").unwrap();
    }
    std::fs::write(at("empty"), "no more").unwrap();
    mode(&at("noall"), 0o777);
    mode(&at("onlymode"), 0o777);
    // Ghosts: one is there now, one with other permissions.
    std::fs::write(at("ghost"), "made by the program").unwrap();
    mode(&at("ghost"), 0o644);
    symlink("plain", at("ghostmode")).unwrap();
    std::fs::remove_file(at("ghostmode")).unwrap();
    std::fs::write(at("ghostmode"), "x").unwrap();
    mode(&at("ghostmode"), 0o666);
    // Types.
    std::fs::remove_file(at("tofifo")).unwrap();
    run("mkfifo", &[&text("tofifo")]);
    std::fs::remove_file(at("todir")).unwrap();
    std::fs::create_dir(at("todir")).unwrap();
    std::fs::remove_file(at("tolink")).unwrap();
    symlink("plain", at("tolink")).unwrap();
    // A folder behind a link put in its place by root is as good as the folder.
    std::fs::rename(at("moved"), at("elsewhere")).unwrap();
    symlink("/opt/kinds/elsewhere", at("moved")).unwrap();
    std::fs::remove_dir(at("stays")).unwrap();
    symlink("stays", at("stays")).unwrap();
    // Links.
    std::fs::remove_file(at("link")).unwrap();
    symlink("content", at("link")).unwrap();
    std::fs::remove_file(at("linkgone")).unwrap();
    std::fs::remove_file(at("linkfile")).unwrap();
    std::fs::write(at("linkfile"), "no link").unwrap();
    lchown(at("linkowner"), Some(4711), Some(4712)).unwrap();
    // A folder that is gone takes what was in it along.
    std::fs::remove_dir_all(at("dir/deep")).unwrap();
    std::fs::write(at("dir/deep"), "a file in place of a folder").unwrap();
    // Capabilities.
    run("setcap", &["-r", &text("cap")]);
    run("setcap", &["cap_sys_admin+ep", &text("capless")]);
    // Devices.
    std::fs::remove_file(at("device")).unwrap();
    run("mknod", &["-m", "666", &text("device"), "c", "1", "5"]);
    std::fs::remove_file(at("block")).unwrap();
    run("mknod", &["-m", "660", &text("block"), "c", "7", "9"]);
}

#[test]
fn an_undamaged_root_has_no_findings() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-1.0", "kinds-twin"]));
    let lines = scratch.same(&[], &["-Va"]);
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn damage_of_every_kind_gives_the_lines_of_rpm() {
    let scratch = Scratch::new();
    install(&scratch);
    damage(&scratch);
    let lines = scratch.same(&[], &["-Va"]);
    for column in 0..9 {
        let shown =
            |line: &String| !line.starts_with(['\t', 'U', 'm']) && line.as_bytes()[column] != b'.';
        assert!(
            lines.iter().any(shown),
            "no line has column {column}: {lines:#?}"
        );
    }
    for part in [
        "missing   ",
        "  c /",
        "  d /",
        "  l /",
        "  r /",
        "  g /",
        "  a /",
        "  m /",
    ] {
        let there = lines.iter().any(|line| line.contains(part));
        // rpm shows a file that may be missing as the configuration that it is.
        assert!(there || part == "  m /", "no line has '{part}': {lines:#?}");
    }
    for part in [
        "nowhere >= 2:1.5 is needed by (installed) kinds-needs-3:1.0-1",
        "/opt/not/there is needed by",
        "kinds < 2 conflicts with (installed) kinds-rival",
        "(nowhere if kinds) is needed by",
        "is obsoleted by (installed)",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(part)),
            "no line has '{part}': {lines:#?}"
        );
    }
}

#[test]
fn a_path_below_a_folder_that_is_a_link_meets_a_requirement() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.at("usr/bin")).unwrap();
    symlink("usr/bin", scratch.at("bin")).unwrap();
    scratch.install(&some(&["kinds-aliases"]));
    assert_eq!(scratch.same(&[], &["-Va"]), Vec::<String>::new());
}

#[test]
fn each_flag_leaves_out_what_it_leaves_out_in_rpm() {
    let scratch = Scratch::new();
    install(&scratch);
    damage(&scratch);
    for flags in [
        &["--nodeps"][..],
        &["--nofiles"],
        &["--nofiledigest"],
        &["--nomd5"],
        &["--nosize"],
        &["--nolinkto"],
        &["--nouser"],
        &["--nogroup"],
        &["--nomtime"],
        &["--nomode"],
        &["--nordev"],
        &["--nocaps"],
        &["--noghost"],
        &["--noconfig"],
        &["--noartifact"],
        &["--nodigest", "--nosignature", "--noscripts"],
        &[
            "--nodeps",
            "--nofiledigest",
            "--nosize",
            "--nomtime",
            "--nomode",
        ],
    ] {
        let mut theirs = vec!["-Va"];
        theirs.extend(flags);
        scratch.same(flags, &theirs);
    }
}

#[test]
fn named_packages_only() {
    let scratch = Scratch::new();
    install(&scratch);
    damage(&scratch);
    for name in [
        "kinds-twin",
        "kinds-1.0",
        "kinds-needs",
        "kinds-1.0-1",
        "kinds-rival-1.0-1",
    ] {
        let lines = scratch.same(&[name], &["-V", name]);
        assert!(!lines.is_empty(), "{name}");
    }
    scratch.same(&["no-such-package"], &["-V", "no-such-package"]);
}

#[test]
fn a_package_may_have_more_folders_than_a_process_may_open() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-many"]));
    std::fs::remove_file(scratch.at("opt/many/7/file")).unwrap();
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_airlock-agent"))
        .args([
            "verify",
            "--rpm-format",
            "--nodeps",
            "--threads",
            "4",
            "--root",
        ])
        .arg(scratch.root())
        .env("HOME", "/root")
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found, "missing     /opt/many/7/file\n");
}
