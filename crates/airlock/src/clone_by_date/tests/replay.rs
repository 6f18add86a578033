//! The fuzz target's body, run on stable over good files, their cuts and flips, and files put together from words.

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;

use super::super::config;
use super::super::sample::SAMPLE;
use super::fuzz_body::clone_config;

/// Values that a key may be given.
const VALUES: [&str; 22] = [
    "true",
    "false",
    "null",
    "7",
    "-1.5e300",
    "\"\"",
    "\"ALL\"",
    "\"el9-base\"",
    "\"el9-2026q1\"",
    "\"2026-03-31\"",
    "\"2026-02-30\"",
    "\"original\"",
    "\"(((\"",
    "\"a.*\"",
    "[]",
    "{}",
    "[\"a\"]",
    "[\"el9-2026q1\", \"b\", \"c\", \"d\"]",
    "{\"ALL\": [\"a\"]}",
    "{\"label\": \"el9-2026q1\"}",
    "{\"el9-base\": {\"label\": \"el9-2026q1\", \"existing-parent-do-not-modify\": true}}",
    "[{\"el9-base\": \"el9-2026q1\", \"el9-more\": [\"el9-2026q2\"]}]",
];

#[test]
fn config_files() {
    clone_config(SAMPLE.as_bytes());
    for case in hostile::cut(SAMPLE.as_bytes(), 1, 300)
        .into_iter()
        .chain(hostile::flipped(SAMPLE.as_bytes(), 2, 600))
    {
        clone_config(&case.bytes);
    }
    let mut random = Seeded::new(3);
    let mut keys: Vec<&str> = config::KEYS.to_vec();
    keys.extend([
        "parents", "_x", "channels", "channels", "nonsense", " to_date",
    ]);
    let mut accepted = 0;
    for _ in 0..5_000 {
        let members: Vec<String> = (0..1 + random.below(5))
            .map(|_| format!("\"{}\": {}", random.pick(&keys), random.pick(&VALUES)))
            .collect();
        let text = format!(
            "{{{}, \"channels\": {}}}",
            members.join(", "),
            VALUES[VALUES.len() - 1]
        );
        accepted += usize::from(config::read(text.as_bytes()).is_ok());
        clone_config(text.as_bytes());
    }
    // Were all of them refused, nothing would have been tried.
    assert!(accepted > 200, "{accepted}");
}
