//! `bind`: beyond the golden cases.

use tempfile::tempdir;

use super::{airlock, airlock_json, put};

#[test]
fn a_bundle_is_bound_entry_by_entry_and_what_cannot_be_carries_its_failure() {
    let folder = tempdir().unwrap();
    let list = "<PackageList uri='http://h/' priority='0' type='rpm'><Package name='libfoo'><Instance arch='i686' version='1' release='1'/><Instance arch='x86_64' version='1' release='1'/></Package></PackageList>";
    let list = put(folder.path(), "list.xml", list);
    let rules = "<Rules priority='0'><Path name='/etc/foo/' type='ignore' owner='root'/></Rules>";
    let rules = put(folder.path(), "rules.xml", rules);
    let bundle = "<Bundle name='b'><Package name='libfoo' altsrc='libfoo:i686'/><Package name='absent'/><BoundPackage name='own' type='yum' pkg_checks='false'/><Group name='g' negate='true'><Path name='/etc/foo' owner='bin'/></Group><Group name='g'><Package name='not'/></Group></Bundle>";
    let bundle = put(folder.path(), "bundle.xml", bundle);
    let ran = airlock(["bind", &list, &rules, "-b", &bundle, "-H", "h1"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.out, @r"
    <Bundle name='b'>
        <Package name='libfoo' uri='http://h/' type='rpm'>
            <Instance arch='i686' version='1' release='1'/>
        </Package>
        <Package name='absent' failure='bind error: Package absent: no list serves it to h1; add it to a list, in a group of this client'/>
        <Package name='own' type='yum' pkg_checks='false'/>
        <Path name='/etc/foo' owner='bin' type='ignore'/>
    </Bundle>
    ");
    assert!(
        ran.err
            .starts_with("error: Package absent: no list serves it to h1"),
        "{}",
        ran.err
    );
}

#[test]
fn rules_may_be_patterns_and_pkgmgr_and_rules_may_not_both_serve_a_name() {
    let folder = tempdir().unwrap();
    let rules = "<Rules priority='0'><Package name='lib.*' type='yum' version='auto' origin='%{name}'/></Rules>";
    let rules = put(folder.path(), "rules.xml", rules);
    let words = ["bind", &rules, "-p", "libfoo", "--regex", "--replace-name"];
    let ran = airlock(words);
    assert_eq!(ran.code, 0);
    assert!(
        ran.out
            .contains("<Package name='libfoo' type='yum' version='auto' origin='libfoo'/>"),
        "{}",
        ran.out
    );
    assert_eq!(airlock(["bind", &rules, "-p", "libfoo"]).code, 1);
    assert_eq!(
        airlock(["bind", &rules, "-p", "mylibfoo", "--regex"]).code,
        1
    );
    let list = "<PackageList priority='9' type='yum'><Package name='libfoo'/></PackageList>";
    let list = put(folder.path(), "list.xml", list);
    let ran = airlock(["bind", &list, &rules, "-p", "libfoo", "--regex"]);
    assert!(ran.code == 1 && ran.err.contains("both"), "{}", ran.err);
}

#[test]
fn priority_and_negate_of_the_lists_never_reach_an_entry() {
    let folder = tempdir().unwrap();
    let list = "<PackageList priority='7' type='yum'><Group name='x' negate='true' priority='9'><Package name='a'/></Group></PackageList>";
    let list = put(folder.path(), "list.xml", list);
    let answer = airlock_json(["bind", &list]);
    let attributes = &answer["entries"][0]["attributes"];
    assert_eq!(*attributes, serde_json::json!({"name": "a", "type": "yum"}));
}

#[test]
fn a_group_of_yum_binds_under_the_groups_name() {
    let folder = tempdir().unwrap();
    let list = "<PackageList priority='0' type='yum'><Package group='web' choose='default'/></PackageList>";
    let list = put(folder.path(), "list.xml", list);
    let native = "airlock-packages = 1\npriority = 0\ntype = \"yum\"\n[[package]]\ngroup = \"web\"\nchoose = \"default\"\n";
    let native = put(folder.path(), "list.toml", native);
    let rules = "<Rules priority='0'><Package group='web' choose='default' type='yum'/></Rules>";
    let rules = put(folder.path(), "rules.xml", rules);
    let bundle = "<Bundle name='b'><Package group='web'/></Bundle>";
    let bundle = put(folder.path(), "bundle.xml", bundle);
    let expected = "<Package name='group:web' group='web' choose='default' type='yum'/>";
    for list in [&list, &native, &rules] {
        for more in [
            &[][..],
            &["-p", "group:web"],
            &["-b", bundle.as_str()],
            &["-b", bundle.as_str(), "--regex"],
        ] {
            let ran = airlock([&["bind", list.as_str()], more].concat());
            assert_eq!(ran.code, 0, "{list} {more:?}: {}", ran.err);
            assert!(ran.out.contains(expected), "{list} {more:?}: {}", ran.out);
        }
    }
    let other = "<Bundle name='b'><Package group='db'/></Bundle>";
    let other = put(folder.path(), "other.xml", other);
    let ran = airlock(["bind", &list, "-b", &other]);
    assert!(
        ran.code == 1 && ran.err.contains("Package group:db: no list serves it"),
        "{}",
        ran.err
    );
}
