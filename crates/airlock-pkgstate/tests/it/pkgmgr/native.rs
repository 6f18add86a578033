//! The native form: comments, flaws, and what programs are told of a conversion.

use tempfile::tempdir;

use super::convert::KERNELS;
use super::{airlock, airlock_json, put, run, text};

/// Comments wherever they can stand.
const COMMENTED: &str = "<!-- top 1 -->
<!-- top 2 -->
<Rules priority='1'>
    <!-- before a -->
    <Package name='a' type='rpm'>
        <!-- before /a -->
        <Ignore name='/a'/>
        <Ignore name='/b'>
            <!-- in /b -->
        </Ignore>
        <!-- before the instance 1 -->
        <!-- before the instance 2 -->
        <Instance version='1' release='1' arch='noarch'>
            <!-- before /c -->
            <Ignore name='/c'/>
            <!-- end of the instance -->
        </Instance>
        <!-- end of a -->
    </Package>
    <!-- before the path -->
    <Path name='/p' type='ignore'>
        <!-- in the path -->
    </Path>
    <!-- before g -->
    <Group name='g'>
        <!-- before b -->
        <Package name='b' type='yum'/>
        <!-- end of g -->
    </Group>
    <!-- end of the list -->
</Rules>
";

#[test]
fn comments_stay_where_they_stand_there_and_back() {
    let folder = tempdir().unwrap();
    let there_and_back = |list: &str| {
        let list = put(folder.path(), "list.xml", list);
        let ran = airlock(["convert", &list]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let native = put(folder.path(), "list.toml", &ran.out);
        (ran.out, airlock(["convert", &native]).out)
    };
    let (native, back) = there_and_back(COMMENTED);
    insta::assert_snapshot!(native);
    assert_eq!(back, COMMENTED);
    // Behind an element on its line it is about that element, and goes before it. One behind everything goes inside.
    let (_, back) = there_and_back(
        "<PackageList priority='0'>
  <Group name='g'/> <!-- about g --><!-- too -->
  <Package name='a'><Ignore name='/a'/> <!-- ticket 4711 -->
    <Ignore name='/b'/></Package>
</PackageList>
<!-- behind -->",
    );
    let expected = "<PackageList priority='0'>
    <Package name='a'>
        <!-- ticket 4711 -->
        <Ignore name='/a'/>
        <Ignore name='/b'/>
    </Package>
    <!-- about g -->
    <!-- too -->
    <Group name='g'/>
    <!-- behind -->
</PackageList>
";
    assert_eq!(back, expected);
}

#[test]
fn programs_are_told_what_became_of_a_conversion() {
    let folder = tempdir().unwrap();
    let rules =
        "<Rules priority='0'>\n<Service name='sshd'/>\n<Path name='/x' type='ignore'/>\n</Rules>";
    let list = put(folder.path(), "rules.xml", rules);
    let answer = airlock_json(["convert", &list]);
    let lost = serde_json::json!([{"line": 2, "what": "the element <Service> in <Rules>"}]);
    let expected = serde_json::json!({
        "version": 1, "file": list, "to": "toml", "converted": false, "text": null, "outfile": null,
        "lost": lost, "warnings": [],
    });
    assert_eq!(answer, expected);
    let answer = airlock_json(["convert", "--lossy", &list]);
    assert_eq!(answer["lost"], lost);
    assert_eq!(answer["text"], airlock(["convert", "--lossy", &list]).out);
    let target = text(&folder.path().join("rules.toml")).to_owned();
    let answer = airlock_json(["convert", "--lossy", &list, "-o", &target]);
    assert_eq!(
        (&answer["converted"], &answer["text"], &answer["outfile"]),
        (
            &true.into(),
            &serde_json::Value::Null,
            &target.as_str().into()
        )
    );
    assert!(std::path::Path::new(&target).exists());
    let kernels = put(folder.path(), "kernels.toml", KERNELS);
    let answer = airlock_json(["convert", "--lossy", &kernels]);
    assert!(
        answer["warnings"][0]
            .as_str()
            .unwrap()
            .contains("nobody said which packages there are"),
        "{answer}"
    );
    // Without JSON the status says it; with it, too.
    assert_eq!(run(["convert", &list], true).code, 1);
}

#[test]
fn everything_that_is_wrong_in_the_native_form_is_told_at_its_place() {
    let folder = tempdir().unwrap();
    let lint = |list: &str| {
        put(folder.path(), "t.toml", list);
        let ran = airlock(["lint", text(&folder.path().join("t.toml"))]);
        assert_eq!(ran.code, 1);
        ran.out
            .replace(&format!("{}/", folder.path().display()), "")
    };
    insta::assert_snapshot!(lint(
        "# a list
airlock-packages = 2
priority = \"a\"
type = \"rpmm\"
[[package]]
nam = \"b\"
[[package]]
name = \"c\"
verify_flags = [\"nomtme\", \"a b\"]
ignore = [\"/x\", 7, { name = \"/y\", commnt = \"x\" }]
[[package]]
name = \"d\"
type = \"yum\"
verify_flags = [\"nomtme\"]
ignore = [\"x\"]
[[package]]
name = \"e\"
set = { newest = 0, oldest = 1 }
instances = [{ epoch = 0, version = 1.10, release = 1, arch = \"noarch\" }]
[[path]]
name = \"/x\"
[[when]]
[[when.package]]
name = \"p\"
priority = 1
[[when]]
group = \"g\"
not = \"yes\"
[[when.package]]
name = \"q\"
type = \"yum\"
colour = \"red\"
[[key]]
fingerprint = \"12\"
until = \"x\"
"
    ));
    insta::assert_snapshot!(lint(
        "airlock-packages = 1\npriority = = 0\n[[package]\nname = a\n[[package]]\nname = b\n"
    ));
}

#[test]
fn what_the_other_form_would_refuse_is_refused_with_its_place() {
    let folder = tempdir().unwrap();
    let head = "airlock-packages = 1\n";
    for (text, expected) in [
        (
            "priority = \"a\"\n",
            "bad.toml:2:1: priority = \"a\" is no number",
        ),
        (
            "priority = 0\n[[path]]\nname = \"/x\"\ntype = \"ignore\"\n",
            "bad.toml:4:1: a [[path]] stands in rules alone; write kind = \"rules\"",
        ),
        (
            "priority = 0\nkind = \"pkgmgr\"\n[[when]]\ngroup = \"g\"\n[[when.path]]\nname = \"/x\"\n",
            "bad.toml:7:1: a [[path]] stands in rules alone",
        ),
    ] {
        let list = put(folder.path(), "bad.toml", &format!("{head}{text}"));
        let ran = airlock(["convert", &list]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
    let list = put(
        folder.path(),
        "good.toml",
        &format!("{head}priority = \"7\"\n"),
    );
    assert!(airlock(["convert", &list]).out.contains("priority='7'"));
}
