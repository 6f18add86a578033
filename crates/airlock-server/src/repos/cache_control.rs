//! How long caches may keep what they got.

use airlock_content::ResolvedVersion;
use airlock_model::Access;

/// `Cache-Control` of a file of a version that was asked for by this name.
#[must_use]
pub fn of(version: &ResolvedVersion, label_at: &str, path: &str) -> &'static str {
    let moving = !version.pinned
        && matches!(label_at.split_once('@'), Some((_, what)) if what != "current" && what != "$airlock_at");
    decide(
        version.pinned,
        moving,
        version.access() == Access::Token,
        path,
    )
}

/// - A version by a name that may still come to mean another one (a day that is not over): never kept.
/// - A pinned version, and files named by their checksum: for ever.
/// - Everything else, `repomd.xml` first of all: asked anew each time (the entity tag makes that cheap).
fn decide(pinned: bool, moving: bool, private: bool, path: &str) -> &'static str {
    if moving {
        return "no-store";
    }
    if pinned || named_by_checksum(path) {
        return if private {
            "private, max-age=31536000, immutable"
        } else {
            "public, max-age=31536000, immutable"
        };
    }
    if private {
        "private, no-cache"
    } else {
        "no-cache"
    }
}

fn named_by_checksum(path: &str) -> bool {
    path.strip_prefix("repodata/").is_some_and(|name| {
        let digits = name.bytes().take_while(u8::is_ascii_hexdigit).count();
        digits >= 40 && name.as_bytes().get(digits) == Some(&b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_change_is_asked_anew() {
        let primary = format!("repodata/{}-primary.xml.zst", "a".repeat(64));
        assert_eq!(
            decide(false, false, false, "repodata/repomd.xml"),
            "no-cache"
        );
        assert_eq!(
            decide(false, false, false, "Packages/b/bash-5-1.x86_64.rpm"),
            "no-cache"
        );
        assert_eq!(
            decide(false, false, true, "repodata/repomd.xml"),
            "private, no-cache"
        );
        assert_eq!(
            decide(false, false, false, &primary),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            decide(true, false, false, "repodata/repomd.xml"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            decide(true, false, true, &primary),
            "private, max-age=31536000, immutable"
        );
        assert_eq!(decide(false, true, false, &primary), "no-store");
    }
}
