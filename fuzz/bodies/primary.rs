//! What the fuzz target `primary` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::primary::{
    LOCATION_PLACEHOLDER, parse, strip_location, summarize, with_location,
};
use airlock_repodata::{Limits, MetadataKind, frame};

/// Every fragment stays one and the same when it is put into a new file; a location that was taken
/// out can be put back.
pub fn primary(bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(mut cutter) = PackageCutter::new(MetadataKind::Primary, bytes, limits) else {
        return;
    };
    // One bad package does not end a file; two hundred do.
    let mut errors = 0;
    loop {
        match cutter.next_package() {
            Ok(None) => return,
            Ok(Some(fragment)) => look(fragment.bytes()),
            Err(_) if errors < 200 => errors += 1,
            Err(_) => return,
        }
    }
}

fn look(fragment: &[u8]) {
    let mut file = frame::open_tag(MetadataKind::Primary, 1);
    file.extend_from_slice(fragment);
    file.extend_from_slice(frame::close_tag(MetadataKind::Primary));
    match PackageCutter::new(MetadataKind::Primary, file.as_slice(), Limits::default()) {
        Ok(mut again) => match again.next_package() {
            Ok(Some(again)) => assert_eq!(again.bytes(), fragment),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(fragment)),
        },
        Err(error) => panic!("{error}"),
    }
    let summary = summarize(fragment);
    assert_eq!(parse(fragment).is_ok(), summary.is_ok());
    let mut canonical = Vec::new();
    let location = strip_location(fragment, &mut canonical);
    if let Ok(summary) = summary {
        let location = match location {
            Ok(location) => location,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(fragment)),
        };
        assert_eq!(summary.href, location.href);
        let placeholders = canonical
            .windows(LOCATION_PLACEHOLDER.len())
            .filter(|window| *window == LOCATION_PLACEHOLDER)
            .count();
        assert!(placeholders >= 1);
        let mut back = Vec::new();
        assert!(with_location(&canonical, &location.href, &mut back).is_ok());
    }
}
