//! What fragments of primary say.

use airlock_repodata::primary::{LOCATION_PLACEHOLDER, strip_location, summarize, with_location};
use airlock_repodata::{Error, Flaw};

use crate::samples::package;

fn flaw(fragment: &str) -> Flaw {
    match summarize(fragment.as_bytes()) {
        Err(Error::BadRepository { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_summary_has_what_a_mirror_needs() {
    let fragment = package(
        "café&amp;",
        "<rpm:requires><rpm:entry name=\"x\"/></rpm:requires>",
    );
    let summary = summarize(fragment.as_bytes()).unwrap();
    assert_eq!(summary.name, "café&");
    assert_eq!(summary.checksum_type, "sha256");
    assert_eq!(summary.checksum.len(), 64);
    assert_eq!(
        (
            summary.epoch,
            &*summary.version,
            &*summary.release,
            &*summary.arch
        ),
        (1, "2.0", "3.el9", "noarch")
    );
    assert_eq!(
        (
            summary.size_package,
            summary.size_installed,
            summary.size_archive
        ),
        (10, 20, 30)
    );
    assert_eq!(
        (summary.time_file, summary.time_build),
        (1_700_000_000, 1_600_000_000)
    );
    assert_eq!(summary.source_rpm, "café&-2.0-3.el9.src.rpm");
    assert_eq!(summary.href, "Packages/café&-2.0-3.el9.noarch.rpm");
    assert_eq!(summary.xml_base, None);
    assert_eq!(summary.header_range, Some((4504, 9000)));
}

#[test]
fn odd_spellings_are_read() {
    let fragment = package("x", "")
        .replace(
            "<location href=\"",
            "<location xml:base=\"http://b/?a=1&amp;b\" href='",
        )
        .replace(".rpm\"/>", ".rpm'></location>")
        .replace("<name>x</name>", "<name>\n <![CDATA[x]]><!-- y --> </name>")
        .replace("epoch=\"1\"", "epoch=\"\"")
        .replace("build=\"1600000000.7\"", "build=\"\"");
    let summary = summarize(fragment.as_bytes()).unwrap();
    assert_eq!(
        (&*summary.name, summary.epoch, summary.time_build),
        ("x", 0, 0)
    );
    assert_eq!(summary.xml_base.as_deref(), Some("http://b/?a=1&b"));
    let mut canonical = Vec::new();
    let location = strip_location(fragment.as_bytes(), &mut canonical).unwrap();
    assert_eq!(location.href, "Packages/x-2.0-3.el9.noarch.rpm");
    assert_eq!(location.base.as_deref(), Some("http://b/?a=1&b"));
    assert_eq!(
        memchr::memmem::find_iter(&canonical, LOCATION_PLACEHOLDER).count(),
        1
    );
}

#[test]
fn locations_go_and_come_back() {
    let fragment = package("x", "");
    let mut canonical = Vec::new();
    let location = strip_location(fragment.as_bytes(), &mut canonical).unwrap();
    assert_eq!(location.href, "Packages/x-2.0-3.el9.noarch.rpm");
    let mut back = Vec::new();
    with_location(&canonical, &location.href, &mut back).unwrap();
    assert_eq!(String::from_utf8(back).unwrap(), fragment);
    let mut other = Vec::new();
    with_location(&canonical, "a&\"b", &mut other).unwrap();
    assert_eq!(summarize(&other).unwrap().href, "a&\"b");
    assert!(with_location(b"<package/>", "x", &mut other).is_err());
}

#[test]
fn the_last_of_several_locations_counts_and_one_placeholder_is_left() {
    let fragment = package("x", "").replace(
        "<location ",
        "<!-- <location href='no'/> --><location href=\"first\"/><location ",
    );
    let mut canonical = Vec::new();
    let location = strip_location(fragment.as_bytes(), &mut canonical).unwrap();
    assert_eq!(location.href, summarize(fragment.as_bytes()).unwrap().href);
    assert_eq!(location.href, "Packages/x-2.0-3.el9.noarch.rpm");
    assert_eq!(
        memchr::memmem::find_iter(&canonical, LOCATION_PLACEHOLDER).count(),
        1
    );
    let none = fragment.replace("<location ", "<elsewhere ");
    assert!(strip_location(none.as_bytes(), &mut Vec::new()).is_err());
}

#[test]
fn what_cannot_be_a_package_is_refused() {
    let good = package("x", "");
    for (what, with, element) in [
        ("<name>x</name>", "", "name"),
        ("<name>x</name>", "<name> </name>", "name"),
        ("<arch>noarch</arch>", "<arch></arch>", "arch"),
        ("<version ", "<vision ", "version"),
        ("<location ", "<elsewhere ", "location"),
    ] {
        assert!(good.contains(what));
        assert!(
            matches!(flaw(&good.replace(what, with)), Flaw::MissingElement { element: found, .. } if found == element),
            "{what}"
        );
    }
    for epoch in ["-1", "4294967296", "x"] {
        let bad = good.replace("epoch=\"1\"", &format!("epoch=\"{epoch}\""));
        assert!(matches!(flaw(&bad), Flaw::Number { .. }), "{epoch}");
    }
    for size in ["-1", "18446744073709551616", "1e3"] {
        let bad = good.replace("package=\"10\"", &format!("package=\"{size}\""));
        assert!(matches!(flaw(&bad), Flaw::Number { .. }), "{size}");
    }
    for href in ["../x.rpm", "/x.rpm", "http://x/y.rpm", ""] {
        let bad = good.replace("Packages/x-2.0-3.el9.noarch.rpm", href);
        assert!(matches!(flaw(&bad), Flaw::Location { .. }), "{href}");
    }
}

#[test]
fn what_is_said_twice_is_not_believed() {
    let good = package("x", "");
    for again in [
        "<name>y</name>",
        "<arch>i686</arch>",
        "<version ver=\"9\"/>",
        "<checksum type=\"md5\">0</checksum>",
    ] {
        for place in ["<summary>", "</package>"] {
            let bad = good.replace(place, &format!("{again}{place}"));
            assert!(
                matches!(flaw(&bad), Flaw::Duplicate { .. }),
                "{again} before {place}"
            );
        }
    }
    let moved = good.replace("</package>", "<location href=\"other.rpm\"/></package>");
    assert_eq!(summarize(moved.as_bytes()).unwrap().href, "other.rpm");
    let mut canonical = Vec::new();
    assert_eq!(
        strip_location(moved.as_bytes(), &mut canonical)
            .unwrap()
            .href,
        "other.rpm"
    );
}
