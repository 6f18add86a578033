//! `lint`: every finding names file, line, column and element.

use tempfile::tempdir;

use super::{airlock, airlock_json, put, text};

pub(super) fn findings(files: &[(&str, &str)]) -> (u8, String) {
    let folder = tempdir().unwrap();
    let mut words = vec!["lint".to_owned()];
    for (name, content) in files {
        words.push(put(folder.path(), name, content));
    }
    let ran = airlock(words);
    let place = format!("{}/", folder.path().display());
    (
        ran.code,
        format!("{}{}", ran.out, ran.err).replace(&place, ""),
    )
}

#[test]
fn a_sound_list_has_no_findings() {
    let list = "<PackageList uri='http://fortress/' priority='0' type='rpm'>
  <Group name='Centos4.4-Standard'><Client name='h' negate='true'>
    <Package name='glibc'>
      <Ignore name='/etc/rpc'/>
      <Instance simplefile='glibc-2.3.4-2.25.x86_64.rpm' version='2.3.4' release='2.25' arch='x86_64' verify_flags='nomd5,nosize'/>
      <Instance simplefile='glibc-2.3.4-2.25.i686.rpm' version='2.3.4' release='2.25' arch='i686'/>
    </Package>
    <Package name='kernel'>
      <Instance simplefile='kernel-1-1.x86_64.rpm' version='1' release='1' arch='x86_64'/>
      <Instance simplefile='kernel-2-1.x86_64.rpm' version='2' release='1' arch='x86_64'/>
    </Package>
    <Package name='gpg-pubkey'><Instance simplefile='KEY' version='443e1821' release='421f218f'/></Package>
    <Package name='old' version='1.0-1' file='old-1.0-1.noarch.rpm'/>
    <Package name='bare' type='yum' pkg_checks='False'/>
  </Client></Group>
</PackageList>";
    let rules =
        "<Rules priority='1'><Path name='/etc/motd' type='ignore'/><Service name='sshd'/></Rules>";
    let bundle = "<Bundle name='b'><Package name='glibc'/><BoundPath name='/x' type='ignore'/><Group name='g'><BoundPackage name='a' type='yum'/></Group></Bundle>";
    let found = findings(&[
        ("list.xml", list),
        ("rules.xml", rules),
        ("bundle.xml", bundle),
    ]);
    assert_eq!(found, (0, "3 files: 0 errors, 0 warnings\n".to_owned()));
}

#[test]
fn what_is_wrong_with_packages_is_said_at_its_place() {
    let list = "<PackageList priority='0' type='rpm'>
  <Package name='a' pkg_checks='yes'>
    <Instance version='1' arch='noarch' verify_flags='nomd5,nomtme'/>
    <Instance simplefile='b-2-1.noarch.rpm' version='1' release='1' arch='noarch' epoch='x'/>
  </Package>
  <Package name='o' version='1.0'/>
  <Package file='g-1.0~rc1-1.noarch.rpm' uri='http://h'/>
  <Package name='c' installed_action='none' install_action='install' verify_fail_action='upgrade'/>
  <package name='d'/>
  <Package name='y' type='yum' verify_flags='nomd5' negate='true'><Ignore name='etc/*'/><Ignore name='/etc/*'/>stray</Package>
  <Package name='gpg-pubkey' uri='u'><Instance version='443E1821' release='421f218f' simplefile='k'/></Package>
</PackageList>";
    let (code, found) = findings(&[("list.xml", list)]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(found);
}

#[test]
fn conditions_roots_and_places_are_looked_at() {
    let list = "<PackageList priority='high' type='yumm'>
  <Group negate='no'>
    <Instance version='1'/>
  </Group>
  <Group name='x' negate='true'><Group name='y'><Package name='a'/></Group></Group>
  <Package name='a'/>
  <Package name='a' priority='3' veryfi='false'/>
  <BoundPackage name='b'/>
</PackageList>";
    let rules = "<Rules><Path name='etc' /><Package name='p'/></Rules>";
    let other = "<Bundles/>";
    let (code, found) = findings(&[
        ("list.xml", list),
        ("rules.xml", rules),
        ("other.xml", other),
    ]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(found);
}

#[test]
fn what_is_no_xml_is_one_finding_with_line_and_column() {
    let cases = [
        (
            "<PackageList>\n  <Package name='a'>\n",
            "x.xml:3:1: error: the file ends inside <Package>, which starts in line 2; add </Package>",
        ),
        (
            "<PackageList>\n  <Package name='a' name='b'/>",
            "x.xml:2:21: error: <Package>: the attribute name stands there twice; take one out",
        ),
        (
            "<PackageList>\n  <Package name=a/>",
            "x.xml:2:12: error: <Package>: a value without quotes",
        ),
        (
            "<PackageList>&eacute;</PackageList>",
            "x.xml:1:14: error: &eacute; is no reference that XML knows; write a plain & as &amp;",
        ),
        (
            "<!DOCTYPE a><a/>",
            "x.xml:1:1: error: a document type (<!DOCTYPE …>) is refused; take the line out",
        ),
        (
            "<a/><b/>",
            "x.xml:1:5: error: a second element outside the root element",
        ),
        (
            "",
            "x.xml:1:1: error: there is no element; the file is empty or no XML",
        ),
        (
            "<a x='\u{1}'/>",
            "x.xml:1:7: error: the character U+0001 cannot stand in XML; take it out",
        ),
    ];
    for (text, expected) in cases {
        let (code, found) = findings(&[("x.xml", text)]);
        assert_eq!((code, found.lines().next().unwrap()), (1, expected));
    }
}

#[test]
fn two_lists_that_serve_one_client_the_same_name_are_found() {
    let list = |priority: u8, inner: &str| {
        format!("<PackageList priority='{priority}' type='yum'>\n{inner}\n</PackageList>")
    };
    let package = "<Package name='a'/>";
    let group = |name: &str, negate: &str| {
        format!("<Group name='{name}' negate='{negate}'>{package}</Group>")
    };
    let pair = |one: String, two: String| findings(&[("1.xml", &one), ("2.xml", &two)]);
    let (code, found) = pair(list(1, package), list(1, package));
    assert_eq!(code, 1);
    assert_eq!(
        found.lines().next().unwrap(),
        "2.xml:2:1: error: <Package> a: 1.xml:2 serves it too, with the same priority 1; every client cannot get it. Give one of the files a higher priority"
    );
    let (code, found) = pair(list(1, &group("g", "false")), list(1, package));
    assert!(
        code == 0 && found.contains("warning: <Package> a: 1.xml:2"),
        "{found}"
    );
    let none = (0, "2 files: 0 errors, 0 warnings\n".to_owned());
    assert_eq!(pair(list(1, package), list(2, package)), none);
    assert_eq!(
        pair(list(1, &group("g", "false")), list(1, &group("g", "true"))),
        none
    );
    let rules = "<Rules priority='0'><Package name='a' type='yum'/></Rules>".to_owned();
    let (code, found) = pair(list(1, package), rules);
    assert!(
        code == 1 && found.contains("cannot get it from both Pkgmgr and Rules"),
        "{found}"
    );
}

#[test]
fn strict_makes_warnings_count_and_json_has_all_parts() {
    let folder = tempdir().unwrap();
    let list =
        "<PackageList priority='0' type='yum'>\n<Package name='a' colour='red'/></PackageList>";
    put(folder.path(), "list.xml", list);
    put(folder.path(), "notes.txt", "no list");
    let place = text(folder.path());
    assert_eq!(airlock(["lint", place]).code, 0);
    assert_eq!(airlock(["lint", "--strict", place]).code, 1);
    let answer = airlock_json(["lint", place]);
    assert_eq!(answer["files"], 1);
    assert_eq!(
        answer["findings"],
        serde_json::json!([{
            "file": format!("{place}/list.xml"), "line": 2, "column": 1, "severity": "warning",
            "element": "<Package> a", "message": "nothing reads the attribute colour here",
        }])
    );
    let ran = airlock(["lint", "/nowhere.xml"]);
    assert!(
        ran.code == 1 && ran.err.contains("/nowhere.xml: cannot read"),
        "{}",
        ran.err
    );
}

#[test]
fn the_native_form_is_looked_at_by_the_same_rules() {
    let list = "airlock-packages = 1
priority = 0
type = \"rpm\"
uri = \"http://h/\"

[[package]]
name = \"kernel\"
set = { newest = 2 }

[[package]]
name = \"a\"
instances = [
    { version = \"1\", arch = \"noarch\", simplefile = \"a-1-1.noarch.rpm\" },
]
";
    let (code, found) = findings(&[("list.toml", list)]);
    assert_eq!(code, 1);
    assert_eq!(
        found.lines().next().unwrap(),
        "list.toml:13:7: error: <Instance> of a: missing: release; the client cannot verify it"
    );
}

#[test]
fn what_a_server_sends_and_settings_are_looked_at_too() {
    let configuration = "<Configuration revision='1'><Bundle name='b'>
  <Pakage name='a' type='yum'/>
  <Package name='b'/>
  <Group name='g'/><Service name='s'/>
</Bundle><Bundel/></Configuration>";
    let (code, said) = findings(&[
        ("c.xml", configuration),
        (
            "i.xml",
            "<Independent><BoundPackage name='a' type='yum'/></Independent>",
        ),
        ("bcfg2.conf", "[client]\ndriver = RPMng\n"),
        ("bad.conf", "[RPM]\npkg_checks = TRUE\n"),
    ]);
    assert_eq!(code, 1, "{said}");
    for expected in [
        "c.xml:2:3: error: <Pakage> a: it cannot stand in <Bundle>; did you mean <Package>?",
        "c.xml:3:3: error: <Package> b: it has no type",
        "c.xml:4:3: error: <Group> g: conditions are resolved by the server",
        "error: <Bundel>: it cannot stand in <Configuration>; did you mean <Bundle>?",
        "bcfg2.conf:2:1: warning: [client] has no option driver",
        "bad.conf:2:1: error: pkg_checks = \"TRUE\" is not understood",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("i.xml"), "{said}");
}

#[test]
fn what_no_client_knows_in_bundles_and_rules_is_an_error_at_its_place() {
    let bundle = "<Bundle name='b'>
  <Pakage name='z&#10;z'/><Group name='g'><BoundPakage name='y'/><path name='/x'/></Group>
  <Package name='a' verison='1-1'><Ignroe name='/x'/></Package>
  <Package name='l' altsrc='l:i386, i686'/>
  <Gadget name='q'/>
  <py:if test='x'><Package name='p'/></py:if>
  <Service name='s'/><BoundAction name='x'/><RequiredBundle name='o'/><xi:include href='o.xml'/><Path name='/y'/>
</Bundle>";
    let rules = "<Rules priority='0'>
  <SEFcontext name='s'/><Servce name='s'/><Instance version='1'/>
</Rules>";
    let bound = "<Configuration><Bundle name='b'><Srvice name='s'/><Bundle name='c'/></Bundle></Configuration>";
    let (code, said) = findings(&[("b.xml", bundle), ("r.xml", rules), ("c.xml", bound)]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
}

#[test]
fn lists_of_words_in_entries_are_split_as_the_client_does() {
    let list = "<PackageList priority='0' type='rpm' uri='u'>
  <Package name='a'><Instance simplefile='a-1-1.noarch.rpm' version='1' release='1' arch='noarch' verify_flags='nomd5, nosize'/></Package>
  <Package name='b' type='yum' verify_flags='nochecksum nosize,nouser'/>
  <Package file='d-1.0-1.%(arch)s.rpm' multiarch='i386,x86_64' srcs='i386'/>
</PackageList>";
    let (code, said) = findings(&[("l.xml", list)]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
}
