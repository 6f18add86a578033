//! How channels and their versions look.

use airlock_model::{Instant, VersionKind, VersionNumber};

use super::*;

fn version(number: u32, by: &str, note: &str) -> VersionInfo {
    VersionInfo {
        number: VersionNumber::from(number),
        instant: Instant::from_seconds(1_780_000_000),
        kind: VersionKind::Promote,
        current: number == 12,
        upstream_revision: None,
        principal: by.into(),
        task: None,
        request_id: String::new(),
        note: note.into(),
        plan_digest: None,
        content_digest: String::new(),
        packages: 61_234,
        errata: 5_000,
        added: 40,
        removed: 3,
        held: Some(61_000),
    }
}

#[test]
fn notes_are_shown_whole() {
    let long = format!(
        "added {}",
        "a-package-with-a-name-1.0-1.el9.x86_64, ".repeat(5)
    );
    let rows = [
        version(1, "local:0", "rollback to 1"),
        version(11, "local:0", ""),
        version(12, "local:0", &long),
    ];
    let text = versions(&rows);
    assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("BY       NOTE"), "{text}");
    assert!(lines[1].ends_with("local:0  rollback to 1"), "{text}");
    assert!(lines[3].starts_with("   * 12  "), "{text}");
    assert!(lines[4].starts_with("         added a-package-"), "{text}");
    assert_eq!(text.matches("1.el9.x86_64").count(), 5, "{text}");
    // A long principal leaves no room in the row, so that the note stands below.
    let text = versions(&[version(1, &"p".repeat(60), "rollback to 1")]);
    assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
    assert!(text.ends_with("\n         rollback to 1\n"), "{text}");
}

#[test]
fn filters_are_words() {
    assert_eq!(
        taken(&PackageFilter {
            latest: Some(2),
            include: vec!["kernel*".into(), "bash".into()],
            exclude_arches: vec!["i686".into()],
            modules: vec!["nodejs:20".into()],
            source_packages: true,
            ..PackageFilter::default()
        }),
        "the newest 2 versions of each package; names kernel*, bash; not architectures i686; modules nodejs:20; source packages too"
    );
}
