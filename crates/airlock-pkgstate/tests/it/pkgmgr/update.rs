//! `update`: the layout stays, nothing gets older.

use airlock_testkit::rpms::Rpm;
use tempfile::{TempDir, tempdir};

use super::{Ran, airlock, airlock_json, data, put, text};

/// A folder with alpha 2-1 (noarch), kernel 9-1 and old 1:1-1, and a list beside it.
fn scratch(list: &str) -> (TempDir, String, String) {
    let folder = tempdir().unwrap();
    let rpms = folder.path().join("rpms");
    std::fs::create_dir(&rpms).unwrap();
    Rpm::new("alpha", "2", "1").write_to(&rpms);
    Rpm::new("kernel", "9", "1").arch("x86_64").write_to(&rpms);
    Rpm::new("old", "1", "1").epoch(1).write_to(&rpms);
    let list = put(folder.path(), "list.xml", list);
    let rpms = text(&rpms).to_owned();
    (folder, list, rpms)
}

fn update(list: &str, rpms: &str, more: &[&str]) -> Ran {
    airlock([&["update", "-c", list, "-d", rpms], more].concat())
}

const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r
<!-- kept by hand -->\r
<PackageList uri='http://fortress/'   priority = \"0\" type='rpm'>\r
\t<Package name='alpha' type='rpm' ><!-- why --><Instance\r
\t\tsimplefile='alpha-1-1.noarch.rpm' version=\"1\"\r
\t\trelease='1' arch='noarch' verify_flags='nomd5'/>\r
\t</Package>\r
\t<Package name='kernel'><Instance version='1' release='1' arch='x86_64'/></Package>\r
\t<Package name='café'   />\r
</PackageList>\r
<!-- end -->\r
";

#[test]
fn every_byte_stays_but_the_values_that_change() {
    let (_folder, list, rpms) = scratch(LIST);
    let ran = update(&list, &rpms, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = LIST
        .replace("alpha-1-1.noarch.rpm", "alpha-2-1.noarch.rpm")
        .replace(
            "version=\"1\"\r\n\t\trelease",
            "version=\"2\"\r\n\t\trelease",
        );
    assert_eq!(ran.out, expected);
}

#[test]
fn a_list_in_latin_1_stays_one() {
    let folder = tempdir().unwrap();
    Rpm::new("alpha", "2", "1").write_to(folder.path());
    let list = "<?xml version='1.0' encoding='ISO-8859-1'?><PackageList priority='0' type='yum'><!-- caf\u{e9} --><Package name='alpha'><Instance version='1' release='1' arch='noarch'/></Package></PackageList>";
    let latin: Vec<u8> = list.chars().map(|c| u32::from(c) as u8).collect();
    let path = folder.path().join("list.xml");
    std::fs::write(&path, &latin).unwrap();
    let ran = update(text(&path), text(folder.path()), &["--in-place"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let expected = list.replace("version='1' release", "version='2' release");
    let expected: Vec<u8> = expected.chars().map(|c| u32::from(c) as u8).collect();
    assert_eq!(std::fs::read(&path).unwrap(), expected);
}

#[test]
fn a_byte_order_mark_stays() {
    let list = "\u{feff}<PackageList priority='0'><Package name='alpha'><Instance version='1' release='1' arch='noarch'/></Package></PackageList>";
    let (_folder, list_file, rpms) = scratch(list);
    let expected = list.replace("version='1' ", "version='2' ");
    assert_eq!(update(&list_file, &rpms, &[]).out, expected);
}

#[test]
fn diff_shows_what_would_change_and_writes_nothing() {
    let (folder, _, rpms) = scratch("");
    let plain = LIST.replace('\r', "");
    let list = put(folder.path(), "plain.xml", &plain);
    let ran = update(&list, &rpms, &["--diff"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let shown = ran.out.replace(&list, "plain.xml").replace('\t', "  ");
    insta::assert_snapshot!(shown, @r#"
    --- plain.xml
    +++ plain.xml
    @@ -2,7 +2,7 @@
     <!-- kept by hand -->
     <PackageList uri='http://fortress/'   priority = "0" type='rpm'>
       <Package name='alpha' type='rpm' ><!-- why --><Instance
    -    simplefile='alpha-1-1.noarch.rpm' version="1"
    +    simplefile='alpha-2-1.noarch.rpm' version="2"
         release='1' arch='noarch' verify_flags='nomd5'/>
       </Package>
       <Package name='kernel'><Instance version='1' release='1' arch='x86_64'/></Package>
    "#);
    assert_eq!(std::fs::read_to_string(&list).unwrap(), plain);
    let answer = airlock_json(["update", "-c", &list, "-d", &rpms, "--diff"]);
    assert_eq!(
        answer["changes"],
        serde_json::json!([{"package": "alpha", "line": 4, "from": "1-1.noarch", "to": "2-1.noarch", "ignores": 0}])
    );
}

#[test]
fn nothing_gets_older_and_words_for_any_version_stay() {
    let instance = |name: &str, attributes: &str| {
        format!("<Package name='{name}'><Instance {attributes} arch='noarch'/></Package>\n")
    };
    let list = [
        "<PackageList priority='0' type='rpm'>\n".to_owned(),
        instance("alpha", "epoch='0' version='3' release='1'"),
        instance("alpha", "version='2' release='1'"),
        instance("alpha", "epoch='1' version='1' release='1'"),
        instance("alpha", "version='any' release='any'"),
        instance("alpha", "release='1'"),
        instance("old", "epoch='2' version='0' release='1'"),
        "</PackageList>".to_owned(),
    ];
    let (_folder, list_file, rpms) = scratch(&list.concat());
    assert_eq!(update(&list_file, &rpms, &[]).out, list.concat());
    let (_folder, list_file, rpms) = scratch(&format!(
        "<PackageList priority='0'>{}</PackageList>",
        instance("old", "version='99' release='1'")
    ));
    let out = update(&list_file, &rpms, &[]).out;
    assert!(
        out.contains("<Instance version='1' release='1' arch='noarch' epoch='1'/>"),
        "{out}"
    );
}

#[test]
fn an_epoch_that_is_no_number_is_an_error_with_its_place() {
    let list = "<PackageList priority='0'>\n<Package name='alpha'>\n<Instance epoch='x' version='1' release='1' arch='noarch'/></Package></PackageList>";
    let (_folder, list, rpms) = scratch(list);
    let ran = update(&list, &rpms, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err
            .contains("list.xml:3: <Instance> of alpha: the epoch \"x\""),
        "{}",
        ran.err
    );
}

#[test]
fn ignores_of_another_list_come_in_on_lines_of_their_own() {
    let list = "<PackageList priority='0' type='yum'>
  <Package name='alpha'>
    <Instance version='1' release='1' arch='noarch'/>
  </Package>
  <Client name='h'><Package name='alpha'><Instance version='1' release='1' arch='noarch'/></Package></Client>
</PackageList>
";
    let (folder, list, rpms) = scratch(list);
    let other = "<PackageList priority='0'><Package name='alpha'><Ignore name=\"/a'b\"/><Ignore name='/c'/></Package></PackageList>";
    let other = put(folder.path(), "other.xml", other);
    let ran = update(&list, &rpms, &["-a", &other]);
    insta::assert_snapshot!(ran.out, @r"
    <PackageList priority='0' type='yum'>
      <Package name='alpha'>
        <Instance version='2' release='1' arch='noarch'/>
        <Ignore name='/a&apos;b'/>
        <Ignore name='/c'/>
      </Package>
      <Client name='h'><Package name='alpha'><Instance version='2' release='1' arch='noarch'/><Ignore name='/a&apos;b'/><Ignore name='/c'/></Package></Client>
    </PackageList>
    ");
}

#[test]
fn a_list_is_replaced_in_one_step_and_keeps_its_mode_and_link() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, list, rpms) = scratch(LIST);
    std::fs::set_permissions(&list, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.xml");
    std::os::unix::fs::symlink("list.xml", &link).unwrap();
    let ran = update(text(&link), &rpms, &["--in-place"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert!(link.is_symlink());
    assert!(
        std::fs::read_to_string(&list)
            .unwrap()
            .contains("alpha-2-1")
    );
    let mode = std::fs::metadata(&list).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let ran = update(&list, &rpms, &["-o", "/dev/null"]);
    assert_eq!(ran.code, 0);
    let ran = update(&list, &rpms, &["-o", "/nowhere/list.xml"]);
    assert!(
        ran.code == 1 && ran.err.contains("/nowhere/list.xml: cannot write"),
        "{}",
        ran.err
    );
}

#[test]
fn wrong_usage_and_lists_that_are_none_are_told_apart() {
    let ran = airlock(["update", "-d", "/"]);
    assert!(
        ran.code == 2 && ran.err.contains("-c option"),
        "{}",
        ran.err
    );
    let ran = airlock(["update", "-c", &data("pkgmgr_update/input-rpm.xml")]);
    assert!(
        ran.code == 2 && ran.err.contains("--rpmdirs"),
        "{}",
        ran.err
    );
    let (_folder, list, rpms) = scratch("<PackageList>\n  <Package name='a'>\n</PackageList>");
    let ran = update(&list, &rpms, &[]);
    assert_eq!(ran.code, 1);
    let expected = "list.xml:3:1: the end tag </PackageList> stands where </Package> is expected";
    assert!(ran.err.contains(expected), "{}", ran.err);
    let ran = update("/nowhere.xml", &rpms, &[]);
    assert!(
        ran.code == 1 && ran.err.contains("/nowhere.xml: cannot read"),
        "{}",
        ran.err
    );
}
