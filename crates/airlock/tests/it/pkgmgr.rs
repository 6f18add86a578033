//! `airlock pkgmgr`, and the program under the names of Bcfg2's tools.

use std::os::unix::fs::symlink;
use std::process::Command;

use airlock_testkit::process::airlock_binary;
use airlock_testkit::programs::run;
use airlock_testkit::rpms::Rpm;
use tempfile::tempdir;

#[test]
fn under_its_old_names_it_is_the_old_tool() {
    let folder = tempdir().unwrap();
    let link = |name: &str| {
        let link = folder.path().join(name);
        symlink(airlock_binary(), &link).unwrap();
        link
    };
    let (generate, update) = (link("pkgmgr_gen.py"), link("pkgmgr_update.py"));
    let rpms = folder.path().join("rpms");
    std::fs::create_dir(&rpms).unwrap();
    Rpm::new("tool", "1", "1").write_to(&rpms);
    let list = folder.path().join("list.xml");

    // Abbreviated, and the last of a repeated option counts, as the old parser had it.
    let made = run(Command::new(&generate)
        .args([
            "--pkgmgr",
            "--form",
            "rpm",
            "-u",
            "http://a/",
            "-u",
            "http://b/",
        ])
        .arg("-d")
        .arg(&rpms)
        .arg("-o")
        .arg(&list));
    let _ = made.expect_success();
    assert_eq!(
        std::fs::read_to_string(&list).unwrap(),
        "<PackageList uri='http://b/' priority='0' type='rpm'>\n    <Package name='tool' type='rpm'>\n        <Instance simplefile='tool-1-1.noarch.rpm' version='1' release='1' arch='noarch'/>\n    </Package>\n</PackageList>\n"
    );
    let refused = run(&mut Command::new(&generate));
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (1, "One of --rpmdirs and --yumrepos must be specified\n")
    );

    Rpm::new("tool", "2", "1").write_to(&rpms);
    let updated = run(Command::new(&update)
        .arg("-c")
        .arg(&list)
        .arg("-d")
        .arg(&rpms));
    // The old form: double quotes, no line end behind the list.
    assert_eq!(
        updated.expect_success().stdout,
        "<PackageList uri=\"http://b/\" priority=\"0\" type=\"rpm\">\n    <Package name=\"tool\" type=\"rpm\">\n        <Instance simplefile=\"tool-2-1.noarch.rpm\" version=\"2\" release=\"1\" arch=\"noarch\"/>\n    </Package>\n</PackageList>"
    );
}

#[test]
fn under_its_own_name_it_has_the_manners_of_the_other_commands() {
    let folder = tempdir().unwrap();
    Rpm::new("tool", "2", "1").write_to(folder.path());
    let list = folder.path().join("list.xml");
    let text = "<PackageList priority='0' type='yum'>\n  <Package name='tool'><Instance version='1' release='1' arch='noarch'/></Package>\n</PackageList>\n";
    std::fs::write(&list, text).unwrap();
    let pkgmgr = |words: &[&str]| {
        let mut command = Command::new(airlock_binary());
        command.arg("pkgmgr").args(words).current_dir(folder.path());
        run(&mut command)
    };
    let updated = pkgmgr(&[
        "update",
        "-c",
        "list.xml",
        "-d",
        ".",
        "--in-place",
        "--json",
    ])
    .expect_success();
    assert!(
        updated.stdout.contains("\"from\": \"1-1.noarch\""),
        "{}",
        updated.stdout
    );
    let now = std::fs::read_to_string(&list).unwrap();
    assert_eq!(now, text.replace("version='1'", "version='2'"));
    let _ = pkgmgr(&["lint", "list.xml"]).expect_success();
    let wrong = pkgmgr(&["gen"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert!(
        wrong.stderr.starts_with("error: One of --rpmdirs"),
        "{}",
        wrong.stderr
    );
    std::fs::write(&list, "<PackageList/>").unwrap();
    let found = pkgmgr(&["lint", "list.xml"]);
    assert_eq!(found.code, 1);
    assert!(
        found
            .stdout
            .starts_with("list.xml:1:1: error: <PackageList>: the attribute priority is missing"),
        "{}",
        found.stdout
    );
}
