//! What is written comes back, for any values.

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::repomd::{Distro, Record, Repomd, Tags};
use airlock_repodata::updateinfo::{
    CLOSE_TAG, Collection, ModuleRef, OPEN_TAG, Reference, Update, UpdatePackage, Updates,
    write_update,
};
use airlock_repodata::{Checksum, Limits, MetadataKind, frame, primary};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Text without characters that XML does not have, and without blanks at its ends.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß☃\u{1F980}]{0,20}".prop_map(|text| text.trim().to_owned())
}

fn some_text() -> impl Strategy<Value = String> {
    "[!-~äß☃]{1}[ -~äß☃\u{1F980}]{0,20}[!-~]{1}"
}

fn checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof![
        ("[0-9a-f]{64}", Just("sha256")),
        ("[0-9a-f]{40}", Just("sha1"))
    ]
    .prop_map(|(value, kind)| Checksum::new(kind, &value).unwrap())
}

prop_compose! {
    fn record()(
        kind in "[a-z_]{3,12}", checksum_value in checksum(), open in option::of(checksum()), header in option::of(checksum()),
        href in "repodata/[a-zA-Z0-9._+~-]{1,30}\\.gz", base in option::of("https://[a-z]{1,8}/[a-z&'\"<]{0,8}"),
        timestamp in option::of(any::<i64>()), size in option::of(any::<u64>()), open_size in option::of(any::<u64>()),
        header_size in option::of(any::<u64>()), version in option::of(any::<u32>()),
    ) -> Record {
        Record {
            open_checksum: open, header_checksum: header, base, timestamp, size, open_size, header_size,
            database_version: version,
            ..Record::new(&kind, checksum_value, &href)
        }
    }
}

prop_compose! {
    fn update()(
        id in some_text(), title in text(), kind in option::of(some_text()), severity in option::of(some_text()),
        issued in option::of(some_text()), description in option::of(some_text()), reboot in any::<bool>(),
        references in vec((option::of(some_text()), option::of(some_text())), 0..3),
        packages in vec((some_text(), "[0-9]{1,3}", text(), any::<[bool; 3]>(), vec((some_text(), some_text()), 0..2)), 0..3),
        module in option::of([text(), text(), text(), text(), text()]),
    ) -> Update {
        Update {
            id, title, kind, severity, issued, description, reboot_suggested: reboot,
            references: references.into_iter().map(|(href, id)| Reference { href, id, ..Reference::default() }).collect(),
            collections: vec![Collection {
                module: module.map(|[name, stream, version, context, arch]| ModuleRef { name, stream, version, context, arch }),
                packages: packages.into_iter().map(|(name, epoch, version, flags, sums)| UpdatePackage {
                    name, epoch: Some(epoch), version, sums, reboot_suggested: flags[0], restart_suggested: flags[1],
                    relogin_suggested: flags[2], ..UpdatePackage::default()
                }).collect(),
                ..Collection::default()
            }],
            ..Update::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn repomd_comes_back(
        revision in option::of(some_text()),
        content in vec(text(), 0..3),
        distro in vec((option::of(some_text()), text()), 0..2),
        mut records in vec(record(), 1..5),
    ) {
        records[0].kind = "primary".to_owned();
        records.dedup_by(|a, b| a.kind == b.kind);
        let distro = distro.into_iter().map(|(cpeid, name)| Distro { cpeid, name }).collect();
        let repomd = Repomd { revision, tags: Tags { content, distro, ..Tags::default() }, records, ..Repomd::default() };
        prop_assert_eq!(Repomd::parse(&repomd.to_xml()).unwrap(), repomd);
    }

    #[test]
    fn updates_come_back(update in update()) {
        let mut file = OPEN_TAG.to_vec();
        write_update(&update, &mut file);
        file.extend_from_slice(CLOSE_TAG);
        let updates = Updates::new(&file, &Limits::default()).unwrap();
        let again = updates.iter().next().unwrap().unwrap();
        prop_assert_eq!(again.update, update);
    }

    #[test]
    fn locations_come_back(href in "[a-zA-Z&'\"<> ~^+-]{1,12}(/[a-zA-Z&'\"<>é]{1,12}){0,3}") {
        let canonical = [b"<package><x/>".as_slice(), primary::LOCATION_PLACEHOLDER, b"</package>"].concat();
        let mut fragment = Vec::new();
        primary::with_location(&canonical, &href, &mut fragment).unwrap();
        let mut back = Vec::new();
        prop_assert_eq!(primary::strip_location(&fragment, &mut back).unwrap().href, href);
        prop_assert_eq!(back, canonical);
    }

    /// Whatever stands inside, the cutter finds the same fragments as quick-xml finds elements.
    #[test]
    fn fragments_are_elements(bodies in vec("(<a>|</a>|<b c='d>'/>|x|&amp;|<!-- </package> -->|<!\\[CDATA\\[</package>]]>|\n| ){0,8}", 1..5)) {
        let mut file = frame::open_tag(MetadataKind::Primary, bodies.len() as u64);
        let mut expected = Vec::new();
        for body in &bodies {
            let element = format!("<package>{body}</package>");
            if is_well_formed(&element) {
                file.extend_from_slice(element.as_bytes());
                expected.push(element);
            }
        }
        file.extend_from_slice(frame::close_tag(MetadataKind::Primary));
        let mut cutter = PackageCutter::new(MetadataKind::Primary, file.as_slice(), Limits::default()).unwrap();
        for element in expected {
            prop_assert_eq!(cutter.next_package().unwrap().unwrap().bytes(), element.as_bytes());
        }
        prop_assert!(cutter.next_package().unwrap().is_none());
    }
}

fn is_well_formed(element: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(element);
    let mut depth = 0_i32;
    loop {
        match reader.read_event() {
            Err(_) => return false,
            Ok(quick_xml::events::Event::Start(_)) => depth += 1,
            Ok(quick_xml::events::Event::End(_)) => depth -= 1,
            Ok(quick_xml::events::Event::Eof) => return depth == 0,
            Ok(_) => {}
        }
    }
}
