//! Every kind of mistake in a config file: the message names key and value, the hint what to write.

use super::super::config::{LARGEST, read};

/// A file with one member more.
fn with(member: &str) -> String {
    format!("{{\"channels\": {{\"el9-base\": \"el9-2026q1\"}}, {member}}}")
}

/// A file with these channels.
fn channels(value: &str) -> String {
    format!("{{\"channels\": {value}}}")
}

#[test]
fn every_mistake_names_key_and_value() {
    let cases: Vec<(String, &str, &str)> = vec![
        // The file as a whole.
        (String::new(), "this is no JSON: EOF", "--sample-config"),
        (
            "{".into(),
            "this is no JSON: EOF while parsing an object at line 1 column 1",
            "--sample-config",
        ),
        (
            "{\"to_date\": '2024'}".into(),
            "this is no JSON: expected value at line 1 column 13",
            "--sample-config",
        ),
        (
            "[\"channels\"]".into(),
            "[\"channels\"] is no object",
            "in braces",
        ),
        ("7".into(), "7 is no object", "in braces"),
        (
            "{}".into(),
            "channels: the key is missing",
            "add \"channels\"",
        ),
        (
            with("\"to_date\": \"2024-01-01\", \"to_date\": \"2024-01-02\""),
            "to_date: stands twice, the second time with \"2024-01-02\"",
            "keep one",
        ),
        // Keys.
        (
            with("\"to-date\": \"2024-01-01\""),
            "to-date: this key is not known (its value is \"2024-01-01\")",
            "did you mean to_date?",
        ),
        (
            with("\"Security_Only\": true"),
            "Security_Only: this key is not known (its value is true)",
            "did you mean security_only?",
        ),
        (
            with("\"frobnicate\": {\"a\": [1, 2.5]}"),
            "frobnicate: this key is not known (its value is {\"a\": [1, 2.5]})",
            "known are username",
        ),
        (
            with("\"pass-word\": \"s3cret\""),
            "pass-word: this key is not known (its value is not shown)",
            "did you mean password?",
        ),
        // Types.
        (
            with("\"to_date\": 20240101"),
            "to_date: 20240101 is no text",
            "double quotes",
        ),
        (
            with("\"username\": [\"a\"]"),
            "username: [\"a\"] is no text",
            "double quotes",
        ),
        (
            with("\"password\": 12345"),
            "password: the value (not shown) is no text",
            "double quotes",
        ),
        (
            with("\"server\": false"),
            "server: false is no text",
            "double quotes",
        ),
        (
            with("\"assumeyes\": \"true\""),
            "assumeyes: \"true\" is neither true nor false",
            "without quotes",
        ),
        (
            with("\"dry_run\": 1"),
            "dry_run: 1 is neither true nor false",
            "without quotes",
        ),
        (
            with("\"errata\": \"RHSA-1\""),
            "errata: \"RHSA-1\" is no list",
            "[\"first\"",
        ),
        (
            with("\"errata\": [\"RHSA-1\", 2]"),
            "errata[1]: 2 is no text",
            "double quotes",
        ),
        (
            with("\"errata\": [null]"),
            "errata[0]: null is no text",
            "leave the item out",
        ),
        (
            with("\"errata\": [\"  \"]"),
            "errata[0]: \"\" is no advisory",
            "RHSA-2026:0001",
        ),
        // Values.
        (
            with("\"to_date\": \"2024-13-01\""),
            "to_date: \"2024-13-01\" is no date",
            "YYYY-MM-DD",
        ),
        (
            with("\"to_date\": \"01.02.2024\""),
            "to_date: \"01.02.2024\" is no date",
            "YYYY-MM-DD",
        ),
        (
            with("\"to_date\": \"2024-01-01-01\""),
            "to_date: \"2024-01-01-01\" is no date",
            "YYYY-MM-DD",
        ),
        // Keys that the old tool did not have are read strictly.
        (
            with("\"as_of\": \"\""),
            "as_of: \"\" is no instant",
            "2026-03-31",
        ),
        (
            with("\"strict\": []"),
            "strict: [] is neither true nor false",
            "without quotes",
        ),
        (
            with("\"as_of\": \"now\""),
            "as_of: \"now\" is no instant",
            "2026-03-31",
        ),
        (
            with("\"as_of\": \"current\""),
            "as_of: \"current\" is no instant",
            "2026-03-31",
        ),
        (
            with("\"naked\": \"none\""),
            "naked: \"none\" is none of: original, first-seen, build-date",
            "double quotes",
        ),
        (
            with("\"blacklist_scope\": \"some\""),
            "blacklist_scope: \"some\" is none of: all, errata",
            "double quotes",
        ),
        // Blacklist and removelist.
        (
            with("\"blacklist\": [\"a\"]"),
            "blacklist: [\"a\"] is no object",
            "ALL",
        ),
        (
            with("\"removelist\": \"a\""),
            "removelist: \"a\" is no object",
            "ALL",
        ),
        (
            with("\"blacklist\": {\"ALL\": \"a\"}"),
            "blacklist.ALL: \"a\" is no list",
            "[\"first\"",
        ),
        (
            with("\"blacklist\": {\"ALL\": [\"a\", \"[b\"]}"),
            "blacklist.ALL[1]: \"[b\" is no regular expression: unclosed character class",
            "libstdc",
        ),
        (
            with("\"removelist\": {\"ALL\": [\"(?<=a)b\"]}"),
            "removelist.ALL[0]: \"(?<=a)b\" is no regular expression: look-around",
            "libstdc",
        ),
        (
            with("\"removelist\": {\"ALL\": [\"\"]}"),
            "removelist.ALL[0]: an expression is empty",
            "libstdc",
        ),
        (
            with("\"removelist\": {\"Bad Label\": [\"a\"]}"),
            "removelist.Bad Label: channel label \"Bad Label\"",
            "channel list",
        ),
        (
            with("\"blacklist\": {\"ALL\": [\"a\"], \"ALL\": [\"b\"]}"),
            "blacklist.ALL: stands twice, the second time with [\"b\"]",
            "keep one",
        ),
        // Channels.
        (
            channels("\"el9-base\""),
            "channels: \"el9-base\" is neither a list of trees nor one tree",
            "el9-2026q1",
        ),
        (channels("[]"), "channels: [] is empty", "el9-2026q1"),
        (channels("{}"), "channels: {} is empty", "el9-2026q1"),
        (channels("[{}]"), "channels[0]: {} is empty", "el9-2026q1"),
        (channels("[7]"), "channels[0]: 7 is no object", "in braces"),
        (
            channels("{\"el9-base\": 7}"),
            "channels.el9-base: 7 is no destination",
            "[label, name",
        ),
        (
            channels("{\"el9-base\": null}"),
            "channels.el9-base: null is no destination",
            "[label, name",
        ),
        (
            channels("{\"el9-base\": []}"),
            "channels.el9-base: [] is empty",
            "leave the key out",
        ),
        (
            channels("{\"el9-base\": [\"el9-2026q1\", \"a\", \"b\", \"c\", \"d\"]}"),
            "channels.el9-base: \"d\" is one too many",
            "[label, name",
        ),
        (
            channels("{\"el9-base\": [\"el9-2026q1\", 3]}"),
            "channels.el9-base[1]: 3 is no text",
            "double quotes",
        ),
        (
            channels("{\"el9-base\": [\"Nope\"]}"),
            "channels.el9-base[0]: channel label \"Nope\"",
            "channel list",
        ),
        (
            channels("{\"el9-base\": {\"name\": \"a\"}}"),
            "channels.el9-base: {\"name\": \"a\"} has no label",
            "add \"label\"",
        ),
        (
            channels("{\"el9-base\": {\"label\": \"el9-2026q1\", \"parent\": \"x\"}}"),
            "channels.el9-base.parent: this key is not known (its value is \"x\")",
            "existing-parent",
        ),
        (
            channels(
                "{\"el9-base\": {\"label\": \"el9-2026q1\", \"existing-parent-do-not-modify\": \"yes\"}}",
            ),
            "channels.el9-base.existing-parent-do-not-modify: \"yes\" is neither true nor false",
            "without quotes",
        ),
        (
            channels(
                "{\"el9-base\": {\"label\": \"el9-2026q1\", \"existing-parent-do-not-modify\": true}}",
            ),
            "nothing is cloned: existing-parent-do-not-modify is true for the only channel",
            "el9-2026q1",
        ),
        (
            channels(
                "{\"el9-base\": {\"label\": \"el9-2026q1\", \"existing-parent-do-not-modify\": true}, \"el9-more\": {\"label\": \"el9-2026q2\", \"existing-parent-do-not-modify\": true}}",
            ),
            "channels.el9-more: existing-parent-do-not-modify is true for two channels of one tree: here and for \"el9-2026q1\"",
            "one base",
        ),
        (
            channels("{\"el9-b\u{e4}se\": \"el9-2026q1\"}"),
            "channels.el9-b\u{e4}se: channel label \"el9-b\u{e4}se\"",
            "plain ASCII",
        ),
        (
            channels("{\"el9-base\": \"el9\u{2013}2026q1\"}"),
            "channels.el9-base: channel label \"el9\u{2013}2026q1\"",
            "typographic dashes",
        ),
        (
            channels("{\"el9-base\": \"el9-base\"}"),
            "channels.el9-base: \"el9-base\" would be a clone of itself",
            "label of its own",
        ),
        (
            channels("{\"el9-base\": \"el9-2026q1\", \" el9-base\": \"el9-2026q2\"}"),
            "channels.el9-base: stands twice, the second time with \"el9-2026q2\"",
            "keep one",
        ),
        (
            channels("[{\"el9-base\": \"el9-2026q1\"}, {\"el8-base\": \"el9-2026q1\"}]"),
            "channels[1].el8-base: the destination \"el9-2026q1\" is named twice, first at channels[0].el9-base",
            "label of its own",
        ),
    ];
    for (text, said, hint) in cases {
        let mistake = read(text.as_bytes())
            .err()
            .unwrap_or_else(|| panic!("accepted: {text}"));
        let message = mistake.to_string();
        assert!(message.contains(said), "{text}:\n  {message}\n  {said}");
        assert!(
            mistake.hint.contains(hint),
            "{text}: {message}: {}",
            mistake.hint
        );
        assert!(
            !message.contains("s3cret") && !message.contains("12345"),
            "{message}"
        );
    }
}

#[test]
fn large_and_deep_files_are_refused() {
    let mistake = read(&vec![b' '; LARGEST + 1]).unwrap_err();
    assert!(
        mistake.to_string().contains("1048577 bytes are too many"),
        "{mistake}"
    );
    let deep = with(&format!(
        "\"_x\": {}{}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    ));
    let mistake = read(deep.as_bytes()).unwrap_err();
    assert!(
        mistake.to_string().contains("recursion limit exceeded"),
        "{mistake}"
    );
    let long = with(&format!("\"to_date\": \"{}\"", "9".repeat(10_000)));
    let mistake = read(long.as_bytes()).unwrap_err();
    assert!(mistake.to_string().chars().count() < 100, "{mistake}");
    let nested = with(&format!(
        "\"blacklist\": {{\"ALL\": [\"{}a{}\"]}}",
        "(".repeat(1000),
        ")".repeat(1000)
    ));
    let mistake = read(nested.as_bytes()).unwrap_err();
    assert!(
        mistake.to_string().contains("is no regular expression"),
        "{mistake}"
    );
    assert!(read(b"{\"channels\": \"\xff\"}").is_err());
}
