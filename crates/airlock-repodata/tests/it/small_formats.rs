//! comps, modules, treeinfo, metalink, productid, filelists and other.

use airlock_repodata::comps::{Comps, Requirement};
use airlock_repodata::metalink::Metalink;
use airlock_repodata::modules::{self, ModuleContent};
use airlock_repodata::primary::FileKind;
use airlock_repodata::treeinfo::Treeinfo;
use airlock_repodata::{Error, filelists, other, productid};

use crate::samples::{COMPS, FILELISTS, METALINK, MODULES, OTHER, TREEINFO};

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap();
    let to = text.rfind(end).unwrap() + end.len();
    &text[from..to]
}

#[test]
fn filelists_and_other_are_read() {
    let fragment = between(FILELISTS, "<package ", "</package>");
    let files = filelists::parse(fragment.as_bytes()).unwrap();
    assert_eq!(
        (files.identity.epoch, files.identity.version.as_str()),
        (1, "2")
    );
    let list: Vec<_> = files
        .files
        .iter()
        .map(|file| (&*file.path, file.kind))
        .collect();
    assert_eq!(
        list,
        [
            ("/etc/x & y", FileKind::File),
            ("/usr/share/x", FileKind::Folder),
            ("/var/log/x.log", FileKind::Ghost)
        ]
    );
    let with_digest = "<package pkgid='a' name='n' arch='a'><version epoch='' ver='1' rel='1'/><file hash='ff'>/x</file></package>";
    assert_eq!(
        filelists::parse(with_digest.as_bytes()).unwrap().files[0]
            .digest
            .as_deref(),
        Some("ff")
    );
    let changes = other::parse(between(OTHER, "<package ", "</package>").as_bytes()).unwrap();
    let list: Vec<_> = changes
        .changes
        .iter()
        .map(|change| (&*change.author, change.date, &*change.text))
        .collect();
    assert_eq!(
        list,
        [("A <a@b> - 1", -5, "- one"), ("B", 0, "- two\n- three")]
    );
}

#[test]
fn comps_are_read_and_keep_what_is_unknown() {
    let comps = Comps::parse(COMPS.as_bytes()).unwrap();
    let group = &comps.groups[0];
    assert_eq!((group.id.as_str(), group.name.as_str()), ("core", "Core"));
    assert!(group.default && !group.user_visible);
    let wanted: Vec<_> = group
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package.requirement.clone()))
        .collect();
    assert_eq!(
        wanted,
        [
            ("bash", Requirement::Mandatory),
            ("sh", Requirement::Mandatory),
            (
                "k-l10n",
                Requirement::Conditional {
                    requires: "k".to_owned()
                }
            ),
            ("o", Requirement::Other("odd".to_owned())),
        ]
    );
    assert_eq!(comps.environments[0].options, ["more"]);
    assert_eq!(comps.categories[0].groups, ["core"]);
    assert_eq!(
        comps.other,
        ["<langpacks><match name=\"x\" install=\"x-%s\"/></langpacks>"]
    );
    let written = String::from_utf8(comps.to_xml()).unwrap();
    assert!(written.contains("<unknown a=\"b\"/>") && written.contains("xml:lang=\"de\""));
    assert_eq!(Comps::parse(written.as_bytes()).unwrap(), comps);
    for bad in [
        "<comps>",
        "<!DOCTYPE comps [<!ENTITY a 'b'>]><comps/>",
        "<groups/>",
        "",
    ] {
        assert!(
            matches!(
                Comps::parse(bad.as_bytes()),
                Err(Error::BadRepository { .. })
            ),
            "{bad}"
        );
    }
}

#[test]
fn modules_are_read_and_kept_byte_by_byte() {
    let documents = modules::parse(MODULES.as_bytes()).unwrap();
    assert_eq!(documents.len(), 4);
    let ModuleContent::Stream(stream) = &documents[0].content else {
        panic!("{documents:?}")
    };
    assert_eq!(stream.nsvca(), "nodejs:1.10:8010020260101:c0ffee:x86_64");
    assert_eq!(stream.description, "Several lines");
    let requires = &stream.dependencies[0].requires;
    assert_eq!(requires[0], ("platform".to_owned(), vec!["el8".to_owned()]));
    assert_eq!(requires[1], ("other".to_owned(), vec!["-3".to_owned()]));
    assert_eq!(requires[2], ("any".to_owned(), vec![]));
    assert_eq!(stream.artifacts, ["nodejs-1:10.0-1.module.x86_64"]);
    assert_eq!(stream.profiles[1].packages, stream.profiles[2].packages);
    let ModuleContent::Defaults(defaults) = &documents[1].content else {
        panic!("{documents:?}")
    };
    assert_eq!(defaults.stream.as_deref(), Some("1.10"));
    assert_eq!(defaults.profiles[0].0, "1.10");
    let ModuleContent::Obsoletes(obsoletes) = &documents[2].content else {
        panic!("{documents:?}")
    };
    assert_eq!(
        obsoletes.obsoleted_by,
        Some(("nodejs".to_owned(), "1.10".to_owned()))
    );
    assert_eq!(
        documents[3].content,
        ModuleContent::Other("modulemd-future".to_owned())
    );
    assert!(documents[3].raw.contains("# comment too"));
    for document in &documents {
        assert!(MODULES.contains(&document.raw));
        assert_eq!(
            MODULES.lines().nth(document.line as usize - 1).unwrap(),
            document.raw.lines().next().unwrap()
        );
    }
    let again = modules::parse(&modules::write(&documents)).unwrap();
    let raw = |documents: &[modules::ModuleDocument]| {
        documents
            .iter()
            .map(|document| document.raw.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(raw(&again), raw(&documents));
}

#[test]
fn broken_modules_are_refused_with_their_line() {
    let error =
        modules::parse(b"---\ndocument: modulemd\ndata: {name: x, stream: [}\n").unwrap_err();
    assert!(
        matches!(error, Error::BadRepository { line: 3, .. }),
        "{error}"
    );
    assert!(modules::parse(b"document: modulemd\ndata: {name: x}\n").is_err());
    assert!(modules::parse(b"a: !!python/object:os.system [x]\n").is_ok());
    assert!(modules::parse(b"").unwrap().is_empty());
    let many = "---\na: 1\n".repeat(20_000);
    assert_eq!(modules::parse(many.as_bytes()).unwrap().len(), 20_000);
}

#[test]
fn treeinfo_names_files_beneath_the_tree() {
    let tree = Treeinfo::parse(TREEINFO.as_bytes()).unwrap();
    assert_eq!(tree.get("general", "name"), Some("EL 9 %(arch)s"));
    assert_eq!(tree.get("general", "arch"), Some("x86_64"));
    let files: Vec<_> = tree
        .files()
        .into_iter()
        .map(|file| (file.path, file.checksum.map(|sum| sum.kind)))
        .collect();
    let sum = |kind: &str| Some(kind.to_owned());
    assert_eq!(
        files,
        [
            ("images/boot.iso".to_owned(), sum("sha256")),
            ("images/Install.img".to_owned(), sum("md5")),
            ("images/pxeboot/vmlinuz".to_owned(), None),
        ]
    );
    for (good, bad) in [
        ("images/boot.iso = sha", "../images/boot.iso = sha"),
        ("images/pxeboot/vmlinuz", "../../etc/passwd"),
        ("images/pxeboot/vmlinuz", "/etc/passwd"),
        ("images/pxeboot/vmlinuz", "images\n ../../x"),
        ("packages = Packages", "packages = ../Packages"),
        ("md5:0123", "md5:"),
        ("[checksums]", "[checksums"),
        ("[checksums]", ""),
        ("family = EL", "family"),
    ] {
        let text = TREEINFO.replacen(good, bad, 1);
        assert_ne!(text, TREEINFO);
        assert!(
            matches!(
                Treeinfo::parse(text.as_bytes()),
                Err(Error::BadRepository { .. })
            ),
            "{bad}"
        );
    }
    let long = format!("[a]\nb = {}\n", "x".repeat(1 << 20));
    assert!(Treeinfo::parse(long.as_bytes()).is_err());
}

#[test]
fn metalinks_are_read_best_mirror_first() {
    let link = Metalink::parse(METALINK.as_bytes(), "repomd.xml").unwrap();
    assert_eq!(
        (link.size, link.timestamp),
        (Some(3000), Some(1_700_000_000))
    );
    let kinds: Vec<_> = link
        .checksums
        .iter()
        .map(|checksum| checksum.kind.as_str())
        .collect();
    assert_eq!(kinds, ["md5", "sha256"]);
    assert_eq!(link.alternates[0].checksums[0].kind, "sha1");
    let urls: Vec<_> = link
        .mirrors
        .iter()
        .map(|mirror| mirror.repository().unwrap())
        .collect();
    assert_eq!(
        urls,
        ["https://a.example.com/x/", "http://b.example.com/x/"]
    );
    assert_eq!(Metalink::parse(&link.to_xml(), "repomd.xml").unwrap(), link);
    let many = METALINK.replace(
        "<resources maxconnections=\"1\">",
        &format!(
            "<resources>{}",
            "<url preference=\"1\">http://m/repodata/repomd.xml</url>".repeat(10_000)
        ),
    );
    assert_eq!(
        Metalink::parse(many.as_bytes(), "repomd.xml")
            .unwrap()
            .mirrors
            .len(),
        50
    );
    assert!(Metalink::parse(METALINK.as_bytes(), "other.xml").is_err());
    let without = METALINK
        .replace("type=\"md5\"", "type=\"x\"")
        .replace("type=\"sha256\"", "type=\"y\"");
    assert!(Metalink::parse(without.as_bytes(), "repomd.xml").is_err());
    let four = format!(
        "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\"><file name=\"r\"><size>5</size><hash type=\"sha-256\">{}</hash><url priority=\"2\">http://two/</url><url priority=\"1\">http://one/</url></file></metalink>",
        "0".repeat(64)
    );
    let four = Metalink::parse(four.as_bytes(), "r").unwrap();
    assert_eq!(four.mirrors[0].url, "http://one/");
    assert_eq!(four.size, Some(5));
}

/// Made with `openssl req -x509` and an extension file that holds the four values of product 479.
const PRODUCT: &str = include_str!("productid.pem");

#[test]
fn products_are_read_from_a_certificate() {
    let products = productid::parse(PRODUCT.as_bytes()).unwrap();
    assert_eq!(products.len(), 1);
    assert_eq!(products[0].id, 479);
    assert_eq!(products[0].name, "EL for x86_64");
    assert_eq!(
        (products[0].version.as_str(), products[0].arch.as_str()),
        ("9.4", "x86_64")
    );
    assert_eq!(products[0].tags, ["el-9", "el-9-x86_64"]);
    for bad in [
        "",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA",
    ] {
        assert!(productid::parse(bad.as_bytes()).is_err());
    }
}
