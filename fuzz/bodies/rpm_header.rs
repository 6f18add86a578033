//! What the fuzz target `rpm_header` does with its bytes; the tests of `airlock-rpm` replay it.

use airlock_rpm::package::DependencyKind;
use airlock_rpm::{Header, HeaderRole, KeyRing, Package, PackageHead, Policy};

/// Reads the bytes as a package and, failing that, as a bare header; looks at everything.
pub fn rpm_header(bytes: &[u8]) {
    let mut reader = bytes;
    if let Ok(head) = airlock_rpm::read_package(&mut reader) {
        assert!(head.header_range.end as usize + reader.len() == bytes.len());
        look(&head);
        let ring = KeyRing::default();
        let policy = Policy::default();
        if let Ok(whole) = airlock_rpm::verify_package(&head, &mut reader, &ring, &policy) {
            assert!(!whole.verdict().is_good(), "good without any key");
        }
    }
    for role in [HeaderRole::Main, HeaderRole::Signature] {
        if let Ok(header) = Header::parse(bytes.to_vec(), role, 0) {
            walk(&header);
            if let Ok(package) = Package::from_headers(&header, None, None, 0) {
                look_at_package(&package);
            }
        }
    }
}

fn look(head: &PackageHead) {
    walk(&head.signature);
    walk(&head.header);
    if let Ok(package) = Package::new(head) {
        look_at_package(&package);
    }
}

/// Every accessor on every tag; what is counted must be there.
fn walk(header: &Header) {
    for entry in header.entries() {
        assert_eq!(header.entry(entry.tag), Some(entry));
        let strings = header.strings(entry.tag);
        assert!(strings.len() == 0 || strings.len() == entry.count as usize);
        assert_eq!(strings.clone().count(), strings.len());
        let numbers = header.u64s(entry.tag);
        assert!(numbers.len() == 0 || numbers.len() == entry.count as usize);
        assert_eq!(numbers.clone().count(), numbers.len());
        let _ = header.u32s(entry.tag).len();
        let _ = header.string(entry.tag);
        let _ = header.binary(entry.tag);
    }
}

fn look_at_package(package: &Package<'_>) {
    let nevra = package.nevra();
    assert!(!nevra.name.is_empty() && !nevra.name.contains('/'));
    let _ = (
        package.summary(),
        package.description(),
        package.archive_size(),
    );
    for kind in DependencyKind::ALL {
        let dependencies = package.dependencies(kind);
        assert_eq!(dependencies.len(), dependencies.clone().count());
        for dependency in dependencies {
            let _ = (
                dependency.name_text(),
                dependency.sense(),
                dependency.is_pre(),
            );
        }
    }
    let files = package.files();
    assert_eq!(files.len(), files.clone().count());
    for file in files {
        let path = file.path();
        assert!(path.split('/').all(|part| part != ".."));
    }
    let changelogs = package.changelogs();
    assert_eq!(changelogs.len(), changelogs.clone().count());
}
