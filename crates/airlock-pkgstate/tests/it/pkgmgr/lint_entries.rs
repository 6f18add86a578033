//! `lint`: groups of yum, bound entries, architectures, key files, files that are missing.

use super::lint::findings;
use super::{airlock, airlock_json, put, text};

fn lines(file: &str, content: &str) -> (u8, Vec<String>) {
    let (code, said) = findings(&[(file, content)]);
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.pop();
    (code, lines)
}

#[test]
fn groups_of_yum_in_lists_and_what_is_chosen_of_them() {
    let sound = "<PackageList priority='0' type='yum'><Package group='web' choose='all'/><Package group='db'/></PackageList>";
    assert_eq!(lines("l.xml", sound), (0, Vec::new()));
    let wrong = "<PackageList priority='0' type='yum'>
<Package group='web' choose='defualt'/>
<Package group=''/>
<Package name='a' choose='all'/>
<Package group='db'/><Package group='db'/>
</PackageList>";
    let (code, said) = lines("l.xml", wrong);
    assert_eq!(code, 1);
    assert_eq!(
        said,
        [
            "l.xml:2:1: error: <Package> group:web: choose=\"defualt\" is not one of mandatory, default, optional, all; did you mean default?",
            "l.xml:3:1: error: <Package>: group='' names no group; write the name or id of one, or take it out",
            "l.xml:4:1: warning: <Package> a: choose counts only beside group; take it out",
            "l.xml:5:22: warning: <Package> group:db: a package of this name stands here before; only the last one counts",
        ]
    );
    let said = "is not one of mandatory, default, optional, all";
    let entry = "<Package group='web' choose='some' type='yum'/>";
    for (file, content) in [
        ("b.xml", format!("<Bundle name='b'>{entry}</Bundle>")),
        ("c.xml", format!("<Configuration><Bundle name='b'>{entry}</Bundle></Configuration>")),
        ("i.xml", format!("<Independent>{entry}</Independent>")),
        (
            "t.toml",
            "airlock-packages = 1\npriority = 0\ntype = \"yum\"\n[[package]]\ngroup = \"web\"\nchoose = \"some\"\n".to_owned(),
        ),
    ] {
        let (code, found) = lines(file, &content);
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert!(found[0].contains(said), "{found:?}");
    }
    let (code, found) = lines(
        "t.toml",
        "airlock-packages = 1\npriority = 0\ntype = \"yum\"\n[[package]]\ngroup = \"\"\n",
    );
    assert_eq!((code, found.len()), (1, 1), "{found:?}");
}

#[test]
fn two_lists_that_serve_one_group_are_found() {
    let list = "<PackageList priority='0' type='yum'><Package group='web'/></PackageList>";
    let (code, said) = findings(&[("1.xml", list), ("2.xml", list)]);
    assert_eq!(code, 1);
    assert!(
        said.starts_with("2.xml:1:38: error: <Package> group:web: 1.xml:1 serves it too"),
        "{said}"
    );
}

#[test]
fn an_architecture_that_rpm_does_not_know_is_told_with_the_nearest() {
    let list = "<PackageList priority='0' type='yum'>
<Package name='a' arch='noarhc'/><Package name='b' arch='any'/><Package name='c' arch='x86_64_v2'/>
<Package name='d'><Instance version='1' release='1' arch='amd64'/><Instance version='1' release='1' arch='%(arch)s'/></Package>
<Package name='e' arch='toaster'/>
</PackageList>";
    let (code, said) = lines("l.xml", list);
    assert_eq!(code, 0);
    assert_eq!(
        said,
        [
            "l.xml:2:1: warning: <Package> a: rpm knows no architecture \"noarhc\"; did you mean noarch?",
            "l.xml:3:19: warning: <Instance> of d: rpm knows no architecture \"amd64\"; did you mean x86_64?",
            "l.xml:4:1: warning: <Package> e: rpm knows no architecture \"toaster\"",
        ]
    );
}

#[test]
fn entries_that_a_machine_reads_get_the_findings_that_the_agent_gives() {
    let entries = "
<Package name='a' type='rpm' version='1-1' qtext='x'/><Package name='a' type='rpm' version='2-1'/>
<Package name='b' type='rpn' version='1-1'/>
<Package name='c' version='1-1'/>
<Package name='d' type='yum' verison='1'/>
<Package name='e' type='yum' installed_action='none' install_action='install'/>
<Package name='f' failure='x'/>
<Package name='g' type='yum'><Package name='g' version='1' release='1' arch='noarch'/></Package>
";
    for (file, list, place) in [
        ("b.xml", format!("<Bundle name='b'>{entries}</Bundle>"), ""),
        (
            "i.xml",
            format!("<Independent>{entries}</Independent>"),
            ", here or around it",
        ),
        (
            "c.xml",
            format!("<Configuration><Bundle name='b'>{entries}</Bundle></Configuration>"),
            ", here or around it",
        ),
    ] {
        let (code, said) = lines(file, &list);
        assert_eq!(code, 1);
        let expected = [
            ("2:55: warning: <Package> a: line 2 declares it too; it is declared more than once, as 1-1 and as 2-1; declare it once, with an <Instance> for each that is to be there"),
            ("3:1: error: <Package> b: no driver has the type \"rpn\"; did you mean rpm?"),
            ("5:1: warning: <Package> d: nothing reads the attribute verison here; did you mean version?"),
            ("6:1: error: <Package> e: installed_action and install_action are two names of one setting and differ; take one out"),
        ];
        for one in expected {
            let one = format!("{file}:{one}");
            let times = said.iter().filter(|line| **line == one).count();
            assert_eq!(times, 1, "{one}: {said:#?}");
        }
        let untyped: Vec<_> = said.iter().filter(|line| line.contains(":4:1:")).collect();
        assert_eq!(untyped.len(), 1, "{said:#?}");
        let start = format!("{file}:4:1: error: <Package> c: it has no type{place}");
        assert!(untyped[0].starts_with(&start), "{untyped:?}");
        assert_eq!(said.len(), 5, "{said:#?}");
    }
    let bundle = "<Bundle name='b'><Package name='a' type='yum'><Instance relase='1' arch='noarhc'><Instance/></Instance></Package></Bundle>";
    let (code, said) = lines("b.xml", bundle);
    assert_eq!(code, 1);
    for expected in [
        "warning: <Instance>: nothing reads the attribute relase here; did you mean release?",
        "warning: <Instance>: rpm knows no architecture \"noarhc\"; did you mean noarch?",
        "error: <Instance>: it cannot stand in <Instance>; it may hold Ignore",
    ] {
        let times = said.iter().filter(|line| line.contains(expected)).count();
        assert_eq!(times, 1, "{expected}: {said:#?}");
    }
    // On a server the lists say it.
    let bundle = "<Bundle name='b'><Package name='a'/><Package name='b'/></Bundle>";
    assert_eq!(lines("b.xml", bundle), (0, Vec::new()));
}

#[test]
fn a_key_file_that_is_not_there_is_an_error_at_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = |more: &str| {
        format!(
            "airlock-packages = 1\npriority = 0\ntype = \"rpm\"\nuri = \"u\"\n[[key]]\nfingerprint = \"{}\"\nfile = \"KEY\"\n{more}",
            "A1".repeat(20)
        )
    };
    let list = put(folder.path(), "l.toml", &key(""));
    let ran = airlock(["lint", &list]);
    assert_eq!(ran.code, 1);
    let said = format!(
        "{list}:6:1: error: the key file \"KEY\" is not there; put it beside the list, or name its folder with --keys\n"
    );
    assert_eq!(ran.out, said);
    let keys = folder.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    put(&keys, "KEY", "x");
    assert_eq!(airlock(["lint", &list, "--keys", text(&keys)]).code, 0);
    put(folder.path(), "KEY", "x");
    assert_eq!(airlock(["lint", &list]).code, 0);
    // Its file need not be read.
    std::fs::remove_file(folder.path().join("KEY")).unwrap();
    put(folder.path(), "l.toml", &key("created = \"0a0b0c0d\"\n"));
    assert_eq!(airlock(["lint", &list]).code, 0);
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let list = put(
        folder.path(),
        "l.xml",
        "<PackageList priority='0' type='yum'><Package name='a' arch='noarhc'/></PackageList>",
    );
    let absent = folder.path().join("absent.xml");
    for files in [[text(&absent), &list], [&list, text(&absent)]] {
        let ran = airlock([&["lint"], &files[..]].concat());
        assert_eq!(ran.code, 1);
        assert!(ran.out.contains("did you mean noarch?"), "{}", ran.out);
        assert!(
            ran.err.contains("1 file: 0 errors, 1 warning"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("absent.xml: cannot read: "), "{}", ran.err);
    }
    let answer = airlock_json(["lint", text(&absent), &list]);
    assert_eq!(
        (&answer["files"], &answer["warnings"]),
        (&1.into(), &1.into())
    );
    assert_eq!(answer["unread"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_needs_a_type_and_a_place_as_packages_do() {
    let folder = tempfile::tempdir().unwrap();
    let fingerprint = "a".repeat(40);
    let of = |list: &str, key: &str| {
        let text = format!(
            "airlock-packages = 1\npriority = 0\n{list}[[key]]\nfingerprint = \"{fingerprint}\"\ncreated = \"12345678\"\n{key}"
        );
        airlock(["lint", &put(folder.path(), "l.toml", &text)])
    };
    let none = of("", "");
    assert_eq!(none.code, 1);
    assert!(none.out.contains(": it has no type"), "{}", none.out);
    let placeless = of("type = \"rpm\"\n", "file = \"KEY\"\n");
    assert!(
        placeless.out.contains(": it has a file and no uri"),
        "{}",
        placeless.out
    );
    let whole = of("type = \"rpm\"\nuri = \"u\"\n", "file = \"KEY\"\n");
    assert_eq!(whole.code, 0, "{}", whole.out);
    assert_eq!(of("", "type = \"yum\"\n").code, 0);
}

#[test]
fn sections_of_other_drivers_are_none_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let conf = put(
        folder.path(),
        "bcfg2.conf",
        "[APT]\nx = 1\n[IPS]\ny = 2\n[YUMng]\n",
    );
    let ran = airlock(["lint", &conf]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn what_is_converted_with_losses_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let list = put(
        folder.path(),
        "l.xml",
        "<PackageList priority='0' type='yum'><Package version='1'/><Package name='a'/></PackageList>",
    );
    let toml = folder.path().join("l.toml");
    let ran = airlock(["convert", "--lossy", &list, "-o", text(&toml)]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("a Package without a name"), "{}", ran.err);
    let back = airlock(["convert", text(&toml)]);
    assert_eq!(back.code, 0, "{}", back.err);
}
