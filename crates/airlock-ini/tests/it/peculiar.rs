//! The peculiarities of the dialect, one by one.

use airlock_ini::{Dialect, Error, File, Limits, parse};

fn read(text: &str) -> File {
    parse("f.conf", text.as_bytes(), &Dialect::virt_who()).expect("it can be read")
}

fn told(file: &File) -> Vec<String> {
    file.warnings.iter().map(ToString::to_string).collect()
}

fn refused(bytes: &[u8]) -> String {
    parse("f.conf", bytes, &Dialect::virt_who())
        .expect_err("it is refused")
        .to_string()
}

#[test]
fn the_last_of_two_options_counts_and_sections_of_one_name_are_one() {
    let file = read("[a]\ntype=esx\nserver=one\nserver=two\n[a]\nowner=x\n");
    assert_eq!(file.sections.len(), 1);
    assert_eq!(file.value("a", "server"), Some("two"));
    assert_eq!(file.value("a", "owner"), Some("x"));
    assert_eq!(
        told(&file),
        ["f.conf:4: option \"server\" was set before in line 3; this later value counts"]
    );
}

#[test]
fn quotes_colons_remarks_and_continuations() {
    let file = read(
        "[a]\np1=\"quoted\"\np2='q'\np3=\"a\",\"b\"\np4=\"\np5= spaced  \nP6=Upper\np7=val ; not comment\np8: colon\np9=100%%\np10=multi\n line\n",
    );
    for (name, value) in [
        ("p1", "quoted"),
        ("p2", "q"),
        ("p3", "\"a\",\"b\""),
        ("p4", ""),
        ("p5", "spaced"),
        ("p6", "Upper"),
        ("p7", "val ; not comment"),
        ("p8", "colon"),
        ("p9", "100%"),
        ("p10", "multi\nline"),
    ] {
        assert_eq!(file.value("a", name), Some(value), "{name}");
    }
    assert!(file.warnings.is_empty());
}

#[test]
fn a_lone_percent_is_itself_and_told() {
    let file = read("[a]\npassword=50%off%\n");
    assert_eq!(file.value("a", "password"), Some("50%off%"));
    assert_eq!(
        told(&file),
        ["f.conf:2: option \"password\": a lone '%' is taken literally; older programs need '%%'"]
    );
}

#[test]
fn references_are_put_in_and_what_cannot_be_stays() {
    let file = read(
        "[DEFAULT]\nhome=/srv\n[a]\nx=%(HOME)s/a\ny=%(nothing)s\nz=%(w)s\nw=%(z)s\nv=%(home\n[b]\nhome=/b\nx=%(home)s\n",
    );
    assert_eq!(file.value("a", "x"), Some("/srv/a"));
    assert_eq!(file.value("a", "y"), Some("%(nothing)s"));
    assert_eq!(file.value("a", "z"), Some("%(w)s"));
    assert_eq!(file.value("a", "v"), Some("%(home"));
    assert_eq!(file.value("b", "x"), Some("/b"));
    assert_eq!(file.value("a", "home"), Some("/srv"));
    assert!(file.section("a").unwrap().entry("home").unwrap().inherited);
    assert_eq!(
        told(&file),
        [
            "f.conf:5: option \"y\": there is no option \"nothing\" for '%(nothing)s', which is taken literally",
            "f.conf:6: option \"z\": its '%(…)s' leads in a circle or too far and is taken literally",
            "f.conf:7: option \"w\": its '%(…)s' leads in a circle or too far and is taken literally",
            "f.conf:8: option \"v\": a lone '%' is taken literally; older programs need '%%'",
        ]
    );
}

#[test]
fn references_that_multiply_are_stopped() {
    let mut text = "[a]\nv0=0123456789\n".to_owned();
    for step in 1..10 {
        let before = format!("%(v{})s", step - 1).repeat(10);
        text.push_str(&format!("v{step}={before}\n"));
    }
    let file = read(&text);
    assert_eq!(file.value("a", "v3").map(str::len), Some(10_000));
    assert_eq!(
        file.value("a", "v9"),
        file.section("a")
            .unwrap()
            .entry("v9")
            .unwrap()
            .raw
            .as_deref()
    );
}

#[test]
fn files_that_are_refused_say_why_and_where() {
    assert_eq!(
        refused(b"\n\ntype=esx\n"),
        "f.conf:3: no section header before this line; begin with a line like [name]"
    );
    assert_eq!(
        refused(b"[a]\nx\n=y\n"),
        "f.conf:2: neither [section] nor name=value; f.conf:3: a value without a name before '='"
    );
    assert_eq!(
        refused(b"[a]\nx=\xff\n"),
        "f.conf:2: not UTF-8 text; save the file as UTF-8"
    );
    assert_eq!(
        refused(b"[\0a\0]\0"),
        "f.conf:1: a NUL byte; save the file as UTF-8 text"
    );
    let long = vec![b'#'; 5 << 20];
    assert!(matches!(
        parse("f", &long, &Dialect::virt_who()),
        Err(Error::TooLong { .. })
    ));
    let small = Dialect {
        limits: Limits {
            sections: 2,
            options: 3,
            ..Limits::default()
        },
        ..Dialect::virt_who()
    };
    let sections = parse("f", b"[a]\n[b]\n[c]\n", &small).expect_err("three are too many");
    assert_eq!(
        sections.to_string(),
        "f:3: more than 2 sections; split the file"
    );
    let options = parse("f", b"[DEFAULT]\na=1\nb=2\n[x]\n[y]\n", &small);
    assert!(matches!(
        options,
        Err(Error::TooMany {
            what: "options",
            ..
        })
    ));
}

#[test]
fn ends_of_lines_and_a_byte_order_mark_do_no_harm() {
    let file = read("\u{feff}[a]\r\nx=1\r\ny=2\r z\r[b]\rq=3");
    assert_eq!(file.value("a", "x"), Some("1"));
    assert_eq!(file.value("a", "y"), Some("2\nz"));
    assert_eq!(file.value("b", "q"), Some("3"));
    assert_eq!(
        told(&file),
        ["f.conf:1: the file begins with a byte order mark"]
    );
}

#[test]
fn python_two_knows_remarks_behind_values() {
    let text = b"[a]\nx = one ; remark\ny = one;two\nz = ; all\nw = a # b\n";
    let file = parse("bcfg2.conf", text, &Dialect::bcfg2()).unwrap();
    assert_eq!(file.value("a", "x"), Some("one"));
    assert_eq!(file.value("a", "y"), Some("one;two"));
    assert_eq!(file.value("a", "z"), Some(""));
    assert_eq!(file.value("a", "w"), Some("a # b"));
    assert_eq!(file.warnings.len(), 2);
}

#[test]
fn names_keep_their_case_when_asked() {
    let dialect = Dialect {
        lower_names: false,
        ..Dialect::bcfg2()
    };
    let file = parse("bcfg2.conf", b"[a]\nX=%(Y)s\nY=1\ny=2\n", &dialect).unwrap();
    assert_eq!(file.value("a", "X"), Some("1"));
    assert_eq!(file.value("a", "y"), Some("2"));
}

#[test]
fn values_are_not_shown_by_debug() {
    let file = read("[a]\npassword=top-secret\n[DEFAULT]\nother=top-secret\n");
    assert!(!format!("{file:?}").contains("top-secret"));
}
