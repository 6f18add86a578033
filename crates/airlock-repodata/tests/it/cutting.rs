//! Cutting files into fragments.

use airlock_repodata::cut::{Cut, PackageCutter};
use airlock_repodata::{Error, Flaw, Limits, MetadataKind};
use std::io::{BufReader, Read};

use crate::samples::{package, primary};

fn cut(kind: MetadataKind, file: &[u8]) -> Result<Vec<String>, Error> {
    let mut cutter = PackageCutter::new(kind, file, Limits::default())?;
    let mut fragments = Vec::new();
    while let Some(fragment) = cutter.next_package()? {
        fragments.push(String::from_utf8(fragment.bytes().to_vec()).unwrap());
    }
    Ok(fragments)
}

fn flaw(file: &str) -> Flaw {
    match cut(MetadataKind::Primary, file.as_bytes()) {
        Err(Error::BadRepository { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn standard_fragments_are_the_bytes_of_the_source() {
    let (one, two) = (
        package("one", ""),
        package("two", "<rpm:group>a</rpm:group>"),
    );
    let file = primary(&format!("{one}\n<!-- </package> -->\n{two}<?pi?>"));
    assert_eq!(
        cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
        [one, two]
    );
}

#[test]
fn ends_hidden_in_comments_and_cdata_are_no_ends() {
    let nasty = "<package type='a>b'><name>x</name><!-- </package> --><summary><![CDATA[</package><package>]]></summary></package>";
    let file = primary(&format!("{nasty}{nasty}<package/>"));
    assert_eq!(
        cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
        [nasty, nasty, "<package/>"]
    );
}

#[test]
fn other_prefixes_are_rewritten() {
    let file = "<m:metadata xmlns:m='http://linux.duke.edu/metadata/common' xmlns:r='http://linux.duke.edu/metadata/rpm' xmlns:s='http://s'><m:package><m:name>a</m:name><m:format><r:license>&gt;</r:license><s:x/></m:format></m:package></m:metadata>";
    assert_eq!(
        cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
        [
            "<package xmlns:s=\"http://s\"><name>a</name><format><rpm:license>&gt;</rpm:license><s:x/></format></package>"
        ]
    );
}

#[test]
fn namespaces_may_be_misspelt_or_missing_but_not_foreign() {
    for root in [
        "<metadata>",
        "<metadata xmlns='http://linux.duke.edu/medadata/common'>",
    ] {
        let file = format!("{root}<package><rpm:x/></package></metadata>");
        assert_eq!(
            cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
            ["<package><rpm:x/></package>"]
        );
    }
    let file = "<m:metadata xmlns:m='http://linux.duke.edu/metadata/common' xmlns='http://else'><package/><m:package/></m:metadata>";
    assert_eq!(
        cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
        ["<package/>"]
    );
}

#[test]
fn illegal_characters_are_removed() {
    let file = primary("<package><name>a\u{1}b&#0;c</name></package>");
    assert_eq!(
        cut(MetadataKind::Primary, file.as_bytes()).unwrap(),
        ["<package><name>abc</name></package>"]
    );
}

#[test]
fn filelists_have_the_package_id() {
    let file = "<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\" packages=\"2\">\n<package pkgid=\"abc\" name=\"x\" arch=\"y\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/><file>/a</file></package>\n<package name='z' pkgid='def'/></filelists>";
    let mut cutter =
        PackageCutter::new(MetadataKind::Filelists, file.as_bytes(), Limits::default()).unwrap();
    assert_eq!(cutter.declared_count(), Some(2));
    let first = cutter.next_package().unwrap().unwrap();
    assert_eq!((first.pkgid(), first.line()), ("abc", 2));
    let second = cutter.next_package().unwrap().unwrap();
    assert_eq!((second.pkgid(), second.line()), ("def", 3));
    assert_eq!(cutter.next_package().unwrap(), None);
    assert_eq!(cutter.next_package().unwrap(), None);
}

#[test]
fn one_bad_package_does_not_stop_the_others() {
    let file = format!(
        "<otherdata xmlns=\"http://linux.duke.edu/metadata/other\">{}\n<package pkgid='1'><a></b></package><package/><package pkgid='\u{e9}'/></otherdata>",
        "<package pkgid='0'/>"
    );
    let mut cutter =
        PackageCutter::new(MetadataKind::Other, file.as_bytes(), Limits::default()).unwrap();
    assert_eq!(cutter.next_package().unwrap().unwrap().pkgid(), "0");
    let error = cutter.next_package().unwrap_err();
    assert!(error.is_about_one_element(), "{error}");
    assert!(
        matches!(error, Error::BadRepository { line: 2, .. }),
        "{error}"
    );
    let error = cutter.next_package().unwrap_err();
    assert!(error.is_about_one_element(), "{error}");
    assert_eq!(cutter.next_package().unwrap().unwrap().pkgid(), "é");
    assert_eq!(cutter.next_package().unwrap(), None);
}

#[test]
fn hostile_files_are_refused() {
    assert_eq!(
        flaw("<!DOCTYPE metadata [<!ENTITY a 'b'>]><metadata/>"),
        Flaw::DocumentType
    );
    assert_eq!(flaw(&primary("<!DOCTYPE x>")), Flaw::DocumentType);
    assert_eq!(
        flaw(&primary("<package><!ENTITY x 'y'></package>")),
        Flaw::DocumentType
    );
    assert!(matches!(
        flaw(&primary("<package>&x;</package>")),
        Flaw::Entity { .. }
    ));
    assert!(matches!(
        flaw(&primary("<package><x:y/></package>")),
        Flaw::Prefix { .. }
    ));
    assert!(matches!(flaw(&primary("text")), Flaw::Syntax { .. }));
    assert!(matches!(
        flaw(&format!("{}x", primary(""))),
        Flaw::Syntax { .. }
    ));
    assert!(matches!(flaw("<filelists/>"), Flaw::RootElement { .. }));
    assert!(matches!(flaw("<html><body>"), Flaw::RootElement { .. }));
    assert!(matches!(flaw("{}"), Flaw::RootElement { .. }));
    assert_eq!(flaw(""), Flaw::Truncated);
    assert_eq!(flaw("   "), Flaw::Truncated);
    assert!(matches!(
        flaw(&primary(&format!("<package>{}", "<a>".repeat(100)))),
        Flaw::Limit { .. }
    ));
    let whole = primary(&package("x", ""));
    for end in 0..whole.len() - 1 {
        assert!(
            cut(MetadataKind::Primary, &whole.as_bytes()[..end]).is_err(),
            "{end}"
        );
    }
}

#[test]
fn a_limit_on_one_element_holds() {
    let limits = Limits {
        max_element: 1 << 20,
        ..Limits::default()
    };
    let start = primary("").replace("\n</metadata>\n", "<package>");
    let endless = start.as_bytes().chain(std::io::repeat(b'x'));
    let mut cutter =
        PackageCutter::new(MetadataKind::Primary, BufReader::new(endless), limits).unwrap();
    let error = cutter.next_package().unwrap_err();
    assert!(
        matches!(
            error,
            Error::BadRepository {
                why: Flaw::Limit { .. },
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_about_one_element());
}

#[test]
fn encodings_come_out_as_utf8() {
    let text = primary(&package("caf\u{e9}", ""));
    let fragment = package("caf\u{e9}", "");
    let latin1: Vec<u8> = text
        .replace("UTF-8", "ISO-8859-1")
        .chars()
        .map(|character| u8::try_from(u32::from(character)).unwrap())
        .collect();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let bom = format!("\u{feff}{text}");
    for file in [latin1.as_slice(), &utf16, bom.as_bytes(), text.as_bytes()] {
        assert_eq!(
            cut(MetadataKind::Primary, file).unwrap(),
            [fragment.as_str()]
        );
    }
    assert!(matches!(
        flaw(&text.replace("UTF-8", "KOI8-R")),
        Flaw::Encoding { .. }
    ));
}

/// Gives at most `piece` bytes at once.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.piece.min(self.bytes.len()).min(out.len());
        out[..length].copy_from_slice(&self.bytes[..length]);
        self.bytes = &self.bytes[length..];
        Ok(length)
    }
}

#[test]
fn the_size_of_pieces_does_not_matter() {
    let packages: Vec<String> = (0..3000)
        .map(|number| package(&format!("p{number}"), &"<x/>".repeat(number % 700)))
        .collect();
    let file = primary(&packages.join("\n"));
    for piece in [13, 4096, 300_000] {
        let reader = BufReader::with_capacity(
            piece,
            Pieces {
                bytes: file.as_bytes(),
                piece,
            },
        );
        let mut cutter =
            PackageCutter::new(MetadataKind::Primary, reader, Limits::default()).unwrap();
        for package in &packages {
            assert_eq!(
                cutter.next_package().unwrap().unwrap().bytes(),
                package.as_bytes()
            );
        }
        assert_eq!(cutter.next_package().unwrap(), None);
    }
}

#[test]
fn known_packages_are_passed_over_and_nothing_else_changes() {
    let nasty = "<package a='b'><name>x</name><!-- </package> --><summary><![CDATA[</package><package>]]></summary></package>";
    let prefixed = "<package><other:x xmlns:other='http://o'/></package>";
    let (one, two) = (package("one", ""), package("two", &"<a/>".repeat(300_000)));
    let all = [&one, nasty, &two, "<package/>", &one, prefixed, &two];
    let file = primary(&all.join("\n"));
    let fragments = cut(MetadataKind::Primary, file.as_bytes()).unwrap();
    assert_eq!(fragments.len(), all.len());
    // Every choice of what is known gives the same list.
    for known in 0..1_u32 << 5 {
        let known: Vec<&str> = fragments[..5]
            .iter()
            .enumerate()
            .filter(|(place, _)| known >> place & 1 == 1)
            .map(|(_, fragment)| fragment.as_str())
            .collect();
        let reader = BufReader::with_capacity(4096, file.as_bytes());
        let mut cutter =
            PackageCutter::new(MetadataKind::Primary, reader, Limits::default()).unwrap();
        let (mut list, mut passed) = (Vec::new(), 0);
        loop {
            let mut candidate = String::new();
            let next = cutter.next_unless_known(|seen| {
                candidate = String::from_utf8(seen.bytes().to_vec()).unwrap();
                known.contains(&candidate.as_str())
            });
            match next.unwrap() {
                None => break,
                Some(Cut::Known) => {
                    passed += 1;
                    list.push(candidate);
                }
                Some(Cut::Package(fragment)) => {
                    list.push(String::from_utf8(fragment.bytes().to_vec()).unwrap());
                }
            }
        }
        assert_eq!(list, fragments);
        // The nasty one's end cannot be guessed, and the empty one has no end tag of its own.
        let guessed = fragments
            .iter()
            .filter(|f| known.contains(&f.as_str()) && *f != nasty && *f != "<package/>");
        assert_eq!(passed, guessed.count(), "{known:?}");
    }
}

#[test]
fn a_candidate_tells_its_pkgid_and_files_of_other_namespaces_have_none() {
    let package = "<package pkgid=\"00ff\" name=\"a\" arch=\"noarch\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/></package>";
    let plain = format!("<filelists packages=\"1\">{package}</filelists>");
    let mut cutter =
        PackageCutter::new(MetadataKind::Filelists, plain.as_bytes(), Limits::default()).unwrap();
    let cut = cutter.next_unless_known(|candidate| candidate.pkgid() == Some("00ff"));
    assert_eq!(cut.unwrap(), Some(Cut::Known));
    assert_eq!(cutter.next_unless_known(|_| true).unwrap(), None);

    // The same bytes mean something else below another root: they are not offered.
    let foreign = format!(
        "<f:filelists xmlns:f=\"http://linux.duke.edu/metadata/filelists\" xmlns=\"http://else\">{package}</f:filelists>"
    );
    let mut cutter = PackageCutter::new(
        MetadataKind::Filelists,
        foreign.as_bytes(),
        Limits::default(),
    )
    .unwrap();
    let mut asked = false;
    let cut = cutter.next_unless_known(|_| {
        asked = true;
        true
    });
    assert_eq!(cut.unwrap(), None);
    assert!(!asked);
}
