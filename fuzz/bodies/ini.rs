//! What the fuzz target `ini` does with its bytes; the tests of `airlock-ini` replay it.

use airlock_ini::{Dialect, Limits, parse, parse_sysconfig};

/// Nothing may panic or grow without bound, messages name lines, and what was read is the same when written and read again.
pub fn ini(bytes: &[u8]) {
    let dialects = [
        Dialect::virt_who(),
        Dialect::bcfg2(),
        Dialect {
            names_alone: true,
            lower_names: false,
            ..Dialect::rhsm()
        },
    ];
    for dialect in dialects {
        match parse("fuzz.conf", bytes, &dialect) {
            Err(error) => assert!(error.to_string().starts_with("fuzz.conf")),
            Ok(file) => {
                for warning in &file.warnings {
                    assert!(warning.to_string().starts_with("fuzz.conf:"));
                }
                for section in &file.sections {
                    for entry in &section.entries {
                        let raw = entry.raw.as_deref().unwrap_or("").len();
                        let value = entry.value.as_deref().unwrap_or("").len();
                        assert!(value <= raw.max(dialect.limits.value));
                    }
                }
                again(&file);
            }
        }
    }
    if let Ok(read) = parse_sysconfig("fuzz", bytes, Limits::default()) {
        let total: usize = read.variables.iter().map(|v| v.value.len()).sum();
        assert!(total <= bytes.len());
    }
}

/// Raw values, written in the plainest way, are read as what they were.
fn again(file: &airlock_ini::File) {
    let plain = Dialect {
        interpolation: false,
        lower_names: false,
        names_alone: true,
        ..Dialect::python()
    };
    let mut text = String::new();
    let mut expected = Vec::new();
    for section in &file.sections {
        text.push_str(&format!("[{}]\n", section.name));
        for entry in section.entries.iter().filter(|entry| !entry.inherited) {
            let Some(raw) = &entry.raw else { continue };
            text.push_str(&format!("{}={}\n", entry.name, raw.replace('\n', "\n ")));
            expected.push((section.name.as_str(), entry.name.as_str(), raw.as_str()));
        }
    }
    // An empty line inside a value is written as one with a blank, which is what it was.
    let read = parse("again", text.as_bytes(), &plain).expect("what was written can be read");
    for (section, name, raw) in expected {
        assert_eq!(read.value(section, name), Some(raw), "{text:?}");
    }
}
