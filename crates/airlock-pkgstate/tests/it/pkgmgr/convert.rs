//! `convert`: XML and TOML, there and back.

use std::process::Command;

use airlock_testkit::rpms::Rpm;
use tempfile::tempdir;

use super::{airlock, data, put, text};

const LIST: &str = "<!-- our list -->
<PackageList uri='http://fortress/' priority='0' type='rpm'>
    <!-- for all -->
    <Package name='glibc' verify_flags='nomd5,nosize' pkg_checks='true'>
        <Ignore name='/etc/rpc'/>
        <Instance simplefile='glibc-2.3.4-2.25.x86_64.rpm' version='2.3.4' release='2.25' arch='x86_64'>
            <Ignore name='/etc/foo'/>
        </Instance>
        <Instance version='2.3.4' release='2.25' arch='i686' pkg_verify='false'/>
    </Package>
    <Package file='d-1.0-1.%(arch)s.rpm' multiarch='i386 x86_64' bname='x' site='own'/>
    <Group name='web' negate='true' type='yum'>
        <Client name='h&amp;1'>
            <Package name='httpd' version='auto'/>
        </Client>
    </Group>
</PackageList>
";

#[test]
fn a_list_becomes_toml_and_the_same_list_again() {
    let folder = tempdir().unwrap();
    let list = put(folder.path(), "list.xml", LIST);
    let ran = airlock(["convert", &list]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    insta::assert_snapshot!(ran.out);
    let native = put(folder.path(), "list.toml", &ran.out);
    let ran = airlock(["convert", &native]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, LIST);
}

#[test]
fn the_list_of_the_golden_runs_comes_back_as_it_was() {
    let folder = tempdir().unwrap();
    let golden = data("pkgmgr_update/input-rpm.xml");
    let native = text(&folder.path().join("list.toml")).to_owned();
    assert_eq!(airlock(["convert", &golden, "-o", &native]).code, 0);
    let back = text(&folder.path().join("back.xml")).to_owned();
    assert_eq!(airlock(["convert", &native, "-o", &back]).code, 0);
    for group in ["Centos4.4-Standard", "x86_64"] {
        for host in ["host1", "host2"] {
            let bound = |list: &str| airlock(["bind", list, "-g", group, "-H", host]).out;
            let first = bound(&golden);
            assert!(!first.is_empty());
            assert_eq!(bound(&back), first);
            assert_eq!(bound(&native), first);
        }
    }
}

#[test]
fn what_the_native_form_cannot_say_is_named_and_stops_the_conversion() {
    let folder = tempdir().unwrap();
    let list =
        "<Rules priority='0'>\n<Service name='sshd'/>\n<Path name='/x' type='ignore'/>\n</Rules>";
    let list = put(folder.path(), "rules.xml", list);
    let ran = airlock(["convert", &list]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err
            .contains("rules.xml:2: lost: the element <Service> in <Rules>"),
        "{}",
        ran.err
    );
    let ran = airlock(["convert", "--lossy", &list]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.out,
        "airlock-packages = 1\nkind = \"rules\"\npriority = 0\n\n[[path]]\nname = \"/x\"\ntype = \"ignore\"\n"
    );
}

pub(super) const KERNELS: &str = "airlock-packages = 1
priority = 0
type = \"rpm\"
uri = \"http://fortress/\"

[[package]]
name = \"kernel\"
set = { running = true, newest = 2 }
";

#[test]
fn a_set_becomes_the_running_kernel_and_the_newest_two() {
    let folder = tempdir().unwrap();
    let rpms = folder.path().join("rpms");
    std::fs::create_dir(&rpms).unwrap();
    for version in ["5.10", "5.9", "5.2", "5.1"] {
        Rpm::new("kernel", version, "1")
            .arch("x86_64")
            .write_to(&rpms);
    }
    let list = put(folder.path(), "kernels.toml", KERNELS);
    let rpms = text(&rpms).to_owned();
    let words = [
        "convert",
        &list,
        "-d",
        &rpms,
        "--running-kernel",
        "5.1-1.x86_64",
    ];
    let ran = airlock(words);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("sets and keys became instances"),
        "{}",
        ran.err
    );
    insta::assert_snapshot!(ran.out, @r"
    <PackageList priority='0' type='rpm' uri='http://fortress/'>
        <Package name='kernel'>
            <Instance simplefile='kernel-5.1-1.x86_64.rpm' version='5.1' release='1' arch='x86_64'/>
            <Instance simplefile='kernel-5.9-1.x86_64.rpm' version='5.9' release='1' arch='x86_64'/>
            <Instance simplefile='kernel-5.10-1.x86_64.rpm' version='5.10' release='1' arch='x86_64'/>
        </Package>
    </PackageList>
    ");
    for (words, why) in [
        (
            vec!["-d", &rpms],
            "say which one that is with --running-kernel",
        ),
        (
            vec!["-d", &rpms, "--running-kernel", "6.6-1.x86_64"],
            "there is no kernel of version 6.6-1.x86_64",
        ),
        (vec![], "nobody said which packages there are"),
    ] {
        let ran = airlock(["convert", list.as_str()].into_iter().chain(words));
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}

#[test]
fn a_key_by_fingerprint_becomes_the_instance_that_rpm_makes_of_it() {
    let folder = tempdir().unwrap();
    let file = data("rpms/KEY-signer");
    let shown = Command::new("gpg")
        .args(["--batch", "--with-colons", "--show-keys", &file])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let field = |kind: &str, number: usize| {
        let line = shown.lines().find(|line| line.starts_with(kind)).unwrap();
        line.split(':').nth(number).unwrap().to_owned()
    };
    let (fingerprint, created) = (field("fpr", 9), field("pub", 5).parse::<u64>().unwrap());
    let list = |more: &str| {
        let list = format!(
            "airlock-packages = 1\npriority = 0\ntype = \"rpm\"\nuri = \"http://h/\"\n[[key]]\nfingerprint = \"{fingerprint}\"\nfile = \"KEY-signer\"\n{more}"
        );
        put(folder.path(), "keys.toml", &list)
    };
    let ran = airlock(["convert", &list(""), "--keys", &data("rpms")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let short = fingerprint[32..].to_lowercase();
    let expected =
        format!("<Instance simplefile='KEY-signer' version='{short}' release='{created:08x}'/>");
    assert!(ran.out.contains(&expected), "{}", ran.out);
    let ran = airlock([
        "convert",
        &list("until = 2020-01-01\n"),
        "--keys",
        &data("rpms"),
    ]);
    assert!(
        ran.code == 0 && !ran.out.contains("gpg-pubkey"),
        "{}",
        ran.out
    );
    let ran = airlock(["convert", &list("")]);
    assert!(
        ran.code == 1 && ran.err.contains("KEY-signer is not here"),
        "{}",
        ran.err
    );
    let other = list("").replace("keys.toml", "other.toml");
    std::fs::copy(list(""), &other).unwrap();
    let text = std::fs::read_to_string(&other)
        .unwrap()
        .replace(&fingerprint, &"A".repeat(40));
    std::fs::write(&other, text).unwrap();
    let ran = airlock(["convert", &other, "--keys", &data("rpms")]);
    assert!(
        ran.code == 1 && ran.err.contains("holds another key"),
        "{}",
        ran.err
    );
}

#[test]
fn mistakes_in_the_native_form_are_said_with_line_and_column() {
    let folder = tempdir().unwrap();
    let head = "airlock-packages = 1\npriority = 0\n";
    let cases = [
        (
            "priority = 0\n".to_owned(),
            "1:1: airlock-packages = 1 is missing",
        ),
        (
            "airlock-packages = 2\n".to_owned(),
            "1:1: this is another form",
        ),
        (
            format!("{head}[[package]]\nnam = \"a\"\n"),
            "4:1: there is no key nam; did you mean name?",
        ),
        (
            format!("{head}[[package]]\nname = \"a\"\nset = {{ newest = 0 }}\n"),
            "5:9: newest is a number from 1 to 100",
        ),
        (
            format!("{head}[[package]]\nname = \"a\"\nset = {{ running = false }}\n"),
            "5:1: an empty set would remove everything",
        ),
        (
            format!("{head}[[when]]\nnot = true\n"),
            "4:1: a [[when]] needs group",
        ),
        (
            format!("{head}[[key]]\nfingerprint = \"12AB\"\n"),
            "4:1: a fingerprint has 40 hexadecimal digits",
        ),
        (format!("{head}[[package]]\nname = a\n"), "4:8:"),
        (
            format!("{head}[[package]]\nname = \"a\"\nverify_flags = [\"a b\"]\n"),
            "5:17: verify_flags is a list of single words",
        ),
    ];
    for (text, expected) in cases {
        let list = put(folder.path(), "bad.toml", &text);
        for tool in ["convert", "lint"] {
            let ran = airlock([tool, &list]);
            assert_eq!(ran.code, 1, "{text}");
            let said = format!("{}{}", ran.out, ran.err);
            let expected = expected
                .split_once(": ")
                .map_or((expected, ""), |(place, why)| (place, why));
            assert!(said.contains(&format!("bad.toml:{}", expected.0)), "{said}");
            assert!(said.contains(expected.1), "{said}");
        }
    }
}

#[test]
fn a_machine_of_its_own_gets_its_entries_from_a_policy() {
    use airlock_pkgstate::pkgmgr::available::Available;
    use airlock_pkgstate::pkgmgr::list::Client;
    use airlock_pkgstate::pkgmgr::native::{Facts, Policy};
    use airlock_pkgstate::pkgmgr::standalone;
    use airlock_pkgstate::xml::Element;
    let kernel = |version: &str| Available {
        name: "kernel".to_owned(),
        epoch: None,
        version: version.to_owned(),
        release: "1".to_owned(),
        arch: "x86_64".to_owned(),
        file: String::new(),
        built: None,
        modified: None,
    };
    let installed = ["5.1", "5.2", "5.3", "5.4"].map(kernel);
    let text = format!(
        "{KERNELS}\n[[when]]\ngroup = \"web\"\n[[when.package]]\nname = \"httpd\"\nversion = \"any\"\n"
    );
    let policy = Policy::parse("policy.toml", text.as_bytes()).unwrap();
    let facts = Facts {
        packages: Some(&installed),
        running_kernel: Some("5.2-1.x86_64"),
        keys: &(),
        today: jiff::civil::date(2026, 1, 1),
    };
    let (entries, problems) = policy
        .entries("policy.toml", &Client::new("h", ["web"]), &facts)
        .unwrap();
    assert_eq!(problems, []);
    insta::assert_snapshot!(airlock_pkgstate::xml::indented(&entries), @r"
    <Independent>
        <Package name='httpd' version='any' type='rpm' uri='http://fortress/'/>
        <Package name='kernel' type='rpm' uri='http://fortress/'>
            <Instance version='5.2' release='1' arch='x86_64'/>
            <Instance version='5.3' release='1' arch='x86_64'/>
            <Instance version='5.4' release='1' arch='x86_64'/>
        </Package>
    </Independent>
    ");
    let (entries, _) = policy
        .entries("policy.toml", &Client::new("h", ["db"]), &facts)
        .unwrap();
    assert_eq!(entries.elements().count(), 1);

    // The same from a file of any form.
    let client = Client::new("h", ["web"]);
    let from = |file: &str, text: &str| {
        let (entries, problems) =
            standalone::entries(file, text.as_bytes(), &client, &facts).unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let named =
            |entry: &Element| format!("{}:{}", entry.name, entry.attribute("name").unwrap());
        entries.elements().map(named).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(from("policy.toml", &text), "Package:httpd Package:kernel");
    assert_eq!(
        from("list.xml", &LIST.replace("web", "db")),
        "Package:d Package:glibc"
    );
    let bundle = "<Bundle name='b'><BoundPackage name='own' type='yum'/></Bundle>";
    assert_eq!(from("bundle.xml", bundle), "BoundPackage:own");
    assert!(standalone::entries("x.xml", b"<a", &client, &facts).is_err());
}

#[test]
fn hostile_nesting_is_an_error_in_both_forms() {
    let folder = tempdir().unwrap();
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let xml = format!(
        "<PackageList priority='0'>{}</PackageList>",
        deep("<Group name='g'>", "</Group>")
    );
    let toml = format!(
        "airlock-packages = 1\npriority = 0\ntype = {}",
        deep("[", "]")
    );
    let tables = format!(
        "airlock-packages = 1\npriority = 0\n[[{}x]]\n",
        "when.".repeat(100_000)
    );
    for (name, text) in [("l.xml", xml), ("l.toml", toml), ("t.toml", tables)] {
        let list = put(folder.path(), name, &text);
        let ran = airlock(["lint", &list]);
        assert_eq!(ran.code, 1);
        assert!(ran.out.lines().count() < 5, "{}", ran.out);
    }
}

#[test]
fn a_list_is_not_written_over_by_its_other_form() {
    let folder = tempdir().unwrap();
    let xml = "<PackageList priority='0' type='yum'>\n    <Package name='a'/>\n</PackageList>\n";
    let toml = "airlock-packages = 1\npriority = 0\ntype = \"yum\"\n\n[[package]]\nname = \"a\"\n";
    let list = put(folder.path(), "base.xml", xml);
    let link = folder.path().join("link.xml");
    std::os::unix::fs::symlink("base.xml", &link).unwrap();
    for out in [list.as_str(), link.to_str().unwrap()] {
        let ran = airlock(["convert", &list, "-o", out]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("is the list itself"), "{}", ran.err);
        assert_eq!(std::fs::read_to_string(&list).unwrap(), xml);
    }
    let other = put(folder.path(), "other.xml", xml);
    let ran = airlock(["convert", &list, "-o", &other]);
    assert_eq!(ran.code, 2);
    let said = "is there and is XML; nothing in the native form is written over it without --force";
    assert!(ran.err.contains(said), "{}", ran.err);
    let native = put(folder.path(), "base.toml", toml);
    let notes = put(folder.path(), "notes.txt", "keep\n");
    for out in [&native, &notes] {
        let before = std::fs::read_to_string(out).unwrap();
        let ran = airlock(["convert", &list, "--to", "xml", "-o", out]);
        assert_eq!(ran.code, 2, "{out}");
        assert!(ran.err.contains("is no XML"), "{}", ran.err);
        assert_eq!(std::fs::read_to_string(out).unwrap(), before);
    }
    // An older result of the same form, and a new or empty file, are written.
    let empty = put(folder.path(), "empty.toml", "");
    for out in [&native, &empty] {
        let ran = airlock(["convert", &list, "-o", out]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(std::fs::read_to_string(out).unwrap(), toml);
    }
    let ran = airlock(["convert", &native, "-o", &other]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = airlock(["convert", &list, "-o", &list, "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&list).unwrap(), toml);
}
