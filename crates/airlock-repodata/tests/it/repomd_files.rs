//! `repomd.xml`, good and hostile.

use airlock_repodata::repomd::Repomd;
use airlock_repodata::{Error, Flaw};
use airlock_testkit::hostile;

use crate::samples::REPOMD;

fn flaw(text: &str) -> Flaw {
    match Repomd::parse(text.as_bytes()) {
        Err(Error::BadRepository { file, line, why }) => {
            assert_eq!(file, "repomd.xml");
            assert!(line >= 1);
            why
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_is_read() {
    let repomd = Repomd::parse(REPOMD.as_bytes()).unwrap();
    assert_eq!(repomd.revision_number(), Some(1_700_000_000));
    assert_eq!(repomd.tags.repo, ["Base & more"]);
    let primary = repomd.record("primary").unwrap();
    assert_eq!(primary.timestamp, Some(1_700_000_000));
    assert_eq!(primary.open_checksum.as_ref().unwrap().kind, "sha1");
    assert_eq!(primary.base.as_deref(), Some("https://cdn.example.com/x/"));
    assert_eq!(
        primary.unknown,
        ["<s:extra xmlns:s=\"http://suse\" a=\"1\"/>"]
    );
    assert_eq!(
        repomd.unknown,
        ["<s:product xmlns:s=\"http://suse\">text<rpm:x/></s:product>"]
    );
    assert_eq!(repomd.record("primary_zck").unwrap().header_size, Some(132));
    assert_eq!(
        repomd.record("primary_db").unwrap().database_version,
        Some(10)
    );
}

#[test]
fn what_is_written_is_what_createrepo_c_writes() {
    let repomd = Repomd::parse(REPOMD.as_bytes()).unwrap();
    insta::assert_snapshot!(String::from_utf8(repomd.to_xml()).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
      <revision>1700000000</revision>
      <tags>
        <content>binary-x86_64</content>
        <repo>Base &amp; more</repo>
        <distro cpeid="cpe:/o:x:y:9">Y 9</distro>
      </tags>
      <data type="primary">
        <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
        <open-checksum type="sha1">0123456789abcdef0123456789abcdef01234567</open-checksum>
        <location xml:base="https://cdn.example.com/x/" href="repodata/primary.xml.gz"/>
        <timestamp>1700000000</timestamp>
        <size>10</size>
        <open-size>20</open-size>
        <s:extra xmlns:s="http://suse" a="1"/>
      </data>
      <data type="primary_zck">
        <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
        <header-checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</header-checksum>
        <location href="repodata/primary.xml.zck"/>
        <header-size>132</header-size>
      </data>
      <data type="primary_db">
        <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
        <location href="repodata/primary.sqlite.bz2"/>
        <database_version>10</database_version>
      </data>
      <s:product xmlns:s="http://suse">text<rpm:x/></s:product>
    </repomd>
    "#);
}

#[test]
fn hostile_documents_are_refused() {
    for case in hostile::repomd_documents() {
        let parsed = Repomd::parse(&case.bytes);
        assert!(
            matches!(parsed, Err(Error::BadRepository { .. })),
            "{}: {parsed:?}",
            case.name
        );
    }
}

#[test]
fn what_decides_on_fetching_is_strict() {
    for href in [
        "../x",
        "/x",
        "http://x/y",
        "a?b",
        "a#b",
        "a b",
        "",
        "%2e%2e/x",
        "a\\b",
    ] {
        let text = REPOMD.replace("repodata/primary.xml.gz", href);
        assert!(matches!(flaw(&text), Flaw::Location { .. }), "{href}");
    }
    for base in ["file:///etc/", "other/", "gopher://x/"] {
        let text = REPOMD.replace("https://cdn.example.com/x/", base);
        assert!(matches!(flaw(&text), Flaw::Location { .. }), "{base}");
    }
    for (good, bad) in [
        ("<size>10</size>", "<size>-1</size>"),
        ("<size>10</size>", "<size>18446744073709551616</size>"),
        ("<open-size>20</open-size>", "<open-size>x</open-size>"),
        ("1700000000.25", "yesterday"),
        ("<database_version>10", "<database_version>1e1"),
    ] {
        assert!(
            matches!(flaw(&REPOMD.replace(good, bad)), Flaw::Number { .. }),
            "{bad}"
        );
    }
    assert!(matches!(
        flaw(&REPOMD.replace("type=\"sha\"", "type=\"crc32\"")),
        Flaw::Checksum { .. }
    ));
    assert!(matches!(
        flaw(&REPOMD.replace("0123456789ABCDEF", "0123")),
        Flaw::Checksum { .. }
    ));
    assert!(matches!(
        flaw(&REPOMD.replace("primary_zck", "primary")),
        Flaw::Duplicate { .. }
    ));
    assert!(matches!(
        flaw(&REPOMD.replace("\"primary\"", "\"else\"")),
        Flaw::MissingElement { .. }
    ));
    assert!(matches!(
        flaw(
            &REPOMD
                .replace("<checksum", "<sum")
                .replace("</checksum", "</sum")
        ),
        Flaw::MissingElement { .. }
    ));
    assert!(matches!(flaw("<repodata/>"), Flaw::RootElement { .. }));
    let many = REPOMD.replace("  <s:product>", &format!("{}  <s:product>", "<data type='x'><checksum type='md5'>0123456789abcdef0123456789abcdef</checksum><location href='x'/></data>\n".repeat(1001)));
    assert!(matches!(flaw(&many), Flaw::Limit { .. }));
}

#[test]
fn odd_but_honest_documents_are_read() {
    let expected = Repomd::parse(REPOMD.as_bytes()).unwrap();
    let mut utf16 = vec![0xfe, 0xff];
    utf16.extend(REPOMD.encode_utf16().flat_map(u16::to_be_bytes));
    let bom = format!("\u{feff}{REPOMD}");
    let latin = REPOMD.replace("encoding=\"UTF-8\"", "encoding=\"iso-8859-1\"");
    for bytes in [utf16.as_slice(), bom.as_bytes(), latin.as_bytes()] {
        assert_eq!(Repomd::parse(bytes).unwrap(), expected);
    }
    let text = Repomd::parse(
        REPOMD
            .replace("<revision>1700000000", "<revision>Fri, a text")
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (text.revision.as_deref(), text.revision_number()),
        (Some("Fri, a text"), None)
    );
    let future = REPOMD.replace("1700000000.25", "4070908800");
    assert_eq!(
        Repomd::parse(future.as_bytes())
            .unwrap()
            .record("primary")
            .unwrap()
            .timestamp,
        Some(4_070_908_800)
    );
}
