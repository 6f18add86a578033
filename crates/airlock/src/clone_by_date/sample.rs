//! The config file that `--sample-config` prints: every key, and accepted as it is.

/// The text.
pub const SAMPLE: &str = r#"{
  "_": "Keys that begin with _ are remarks. What the command line says wins over this file.",

  "_server": "https://airlock.example.org",
  "_username": "clone-bot",
  "_password": "secret",
  "assumeyes": false,
  "dry_run": false,

  "to_date": "2026-03-31",
  "use_update_date": false,
  "security_only": false,
  "_errata": ["RHSA-2026:0001", "RHBA-2026:0002"],
  "_as_of": "2026-03-31T12:00:00Z",
  "infer": false,
  "naked": "original",
  "strict": false,

  "skip_depsolve": false,
  "skip_errata_depsolve": false,
  "no_errata_sync": false,
  "keep_advisory_names": false,
  "prune": false,
  "into_other": false,

  "blacklist": { "ALL": ["kernel-debug.*"], "el9-2026q1": ["java-1\\.8.*"] },
  "blacklist_scope": "all",
  "removelist": { "el9-2026q1-extra": ["compat-.*"] },

  "channels": [
    {
      "el9-base": "el9-2026q1",
      "el9-extra": ["el9-2026q1-extra", "EL 9 extra, Q1", "frozen 2026-03-31", "first quarter"]
    },
    {
      "el8-base": { "label": "el8-2026q1", "existing-parent-do-not-modify": true },
      "el8-extra": {
        "label": "el8-2026q1-extra",
        "name": "EL 8 extra, Q1",
        "summary": "frozen 2026-03-31",
        "description": "first quarter"
      }
    }
  ]
}
"#;
