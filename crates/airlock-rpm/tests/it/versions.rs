//! EVR and NEVRA: known cases, order laws, and the real rpm.

use std::cmp::Ordering;
use std::process::Command;

use airlock_rpm::{Evr, EvrRef, Nevra, rpmvercmp};
use proptest::prelude::*;

/// Cases from rpm-version(7) and from bugs that implementations had.
const KNOWN: &[(&str, &str, Ordering)] = {
    use Ordering::{Equal, Greater, Less};
    &[
        ("1.0", "1.0", Equal),
        ("1.0", "2.0", Less),
        ("2.0.1", "2.0.1a", Less),
        ("5.5p1", "5.5p10", Less),
        ("10xyz", "10.1xyz", Less),
        ("xyz10", "xyz10.1", Less),
        ("xyz.4", "8", Less),
        ("5.5p2", "5.6p1", Less),
        ("6.0.rc1", "6.0", Greater),
        ("10b2", "10a1", Greater),
        ("7.4.052", "7.4.52", Equal),
        ("1_0", "1.0", Equal),
        ("1..0.", "1.0", Equal),
        ("fc4", "fc.4", Equal),
        ("A", "a", Less),
        ("z", "1", Less),
        ("1.0~rc1", "1.0", Less),
        ("1.0~rc1", "1.0~rc2", Less),
        ("1.0~~", "1.0~", Less),
        ("1.0^", "1.0", Greater),
        ("1.0^git1", "1.0.1", Less),
        ("1.0^git1~pre", "1.0^git1", Less),
        ("1.0^~1", "1.0^1", Less),
        ("1.0~1^2", "1.0~1", Greater),
        ("", "", Equal),
        ("", "1", Less),
        ("", "~", Greater),
        ("", ".", Equal),
        ("18446744073709551616", "18446744073709551615", Greater),
        ("000", "0", Equal),
        ("1.é", "1.", Equal),
    ]
};

#[test]
fn known_cases() {
    for (left, right, order) in KNOWN {
        assert_eq!(rpmvercmp(left, right), *order, "{left:?} against {right:?}");
        assert_eq!(
            rpmvercmp(right, left),
            order.reverse(),
            "{right:?} against {left:?}"
        );
    }
}

#[test]
fn epochs_and_missing_releases() {
    let parse = |text| EvrRef::parse(text).unwrap();
    assert!(parse("1:1.0-1") > parse("2.0-1"));
    assert_eq!(parse("0:1.0-1"), parse("1.0-1"));
    assert_eq!(parse(":1.0-1"), parse("1.0-1"));
    assert_eq!(parse("1.0-1").release, Some("1"));
    assert_eq!(parse("1-2-3").version, "1-2");
    assert!(parse("1.0") < parse("1.0-1"));
    assert_eq!(
        parse("1.0").compare_in_range(&parse("1.0-1")),
        Ordering::Equal
    );
    assert_eq!(
        parse("1.0").compare_in_range(&parse("1:1.0-1")),
        Ordering::Less
    );
    assert_eq!(parse("4294967295:1-1").epoch, Some(u32::MAX));
    for text in ["", "-1", "1-", "x:1.0-1", "4294967296:1.0-1", "1:", "-1:2"] {
        assert!(Evr::parse(text).is_err(), "{text:?} was accepted");
    }
    assert_eq!(parse("3:1.0-1").to_string(), "3:1.0-1");
}

#[test]
fn nevra_forms() {
    let bash = Nevra::parse("bash-completion-1:2.11-5.el9.noarch.rpm").unwrap();
    assert_eq!(bash.name, "bash-completion");
    assert_eq!(bash.epoch, Some(1));
    assert_eq!(
        (&*bash.version, &*bash.release, &*bash.arch),
        ("2.11", "5.el9", "noarch")
    );
    assert_eq!(bash.to_string(), "bash-completion-1:2.11-5.el9.noarch");
    assert_eq!(bash.nvra(), "bash-completion-2.11-5.el9.noarch");
    assert_eq!(
        Nevra::parse("1:bash-completion-2.11-5.el9.noarch").unwrap(),
        bash
    );
    assert_eq!(
        Nevra::parse("a-0:1-1.src").unwrap(),
        Nevra::parse("a-1-1.src").unwrap()
    );
    assert_eq!(
        Nevra::parse("a-0:1-1.src").unwrap().to_string(),
        "a-1-1.src"
    );
    for text in [
        "",
        "a",
        "a-1-1",
        "a-1.x86_64",
        "-1-1.noarch",
        "a-x:1-1.noarch",
        "1:a-1:1-1.noarch",
        "0:a:b-1-1.noarch",
        "a-0:1:2-1.noarch",
    ] {
        assert!(Nevra::parse(text).is_err(), "{text:?} was accepted");
    }
}

fn version_text() -> impl Strategy<Value = String> {
    "[0-9a-cA-C~^._+é]{0,9}|[0-9]{1,3}(\\.[0-9a-z~^]{1,4}){0,3}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_is_total(a in version_text(), b in version_text(), c in version_text()) {
        prop_assert_eq!(rpmvercmp(&a, &a), Ordering::Equal);
        prop_assert_eq!(rpmvercmp(&a, &b), rpmvercmp(&b, &a).reverse());
        let mut three = [&a, &b, &c];
        three.sort_by(|x, y| rpmvercmp(x, y));
        prop_assert_ne!(rpmvercmp(three[0], three[1]), Ordering::Greater);
        prop_assert_ne!(rpmvercmp(three[1], three[2]), Ordering::Greater);
        prop_assert_ne!(rpmvercmp(three[0], three[2]), Ordering::Greater);
    }

    #[test]
    fn equal_versions_are_interchangeable(a in version_text(), b in version_text(), c in version_text()) {
        if rpmvercmp(&a, &b) == Ordering::Equal {
            prop_assert_eq!(rpmvercmp(&a, &c), rpmvercmp(&b, &c));
        }
    }

    #[test]
    fn display_and_parse_agree(
        name in "[a-z][a-z0-9+_-]{0,10}",
        epoch in proptest::option::of(any::<u32>()),
        version in "[0-9][0-9a-z.~^_]{0,8}",
        release in "[0-9][0-9a-z.~^_]{0,8}",
        arch in "x86_64|noarch|src|i686",
    ) {
        let nevra = Nevra { name, epoch, version, release, arch };
        prop_assert_eq!(&Nevra::parse(&nevra.to_string()).unwrap(), &nevra);
        let evr = nevra.evr();
        prop_assert_eq!(EvrRef::parse(&evr.to_string()).unwrap().to_string(), evr.to_string());
    }
}

/// Thousands of pairs decided by the real rpm in one run of its Lua.
#[test]
fn agrees_with_rpm() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, TestRunner};

    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let mut pairs: Vec<(String, String)> = KNOWN
        .iter()
        .filter(|(left, right, _)| !left.is_empty() && !right.is_empty())
        .map(|(left, right, _)| ((*left).to_owned(), (*right).to_owned()))
        .collect();
    while pairs.len() < 6_000 {
        let mut one = version_text().new_tree(&mut runner).unwrap();
        let two = version_text().new_tree(&mut runner).unwrap();
        // rpm's Lua takes whole EVRs and refuses an empty version.
        if one.current().is_empty() || two.current().is_empty() {
            continue;
        }
        pairs.push((one.current(), two.current()));
        // Near misses find more than strangers do.
        if one.simplify() && !one.current().is_empty() {
            let near = one.current();
            let last = pairs.last().unwrap().0.clone();
            pairs.push((last, near));
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("pairs");
    let text: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    std::fs::write(&list, text).unwrap();
    let eval = format!(
        "%{{lua:for line in io.lines('{}') do \
         local a, b = line:match('^([^\\t]*)\\t([^\\t]*)$'); \
         print(rpm.vercmp(a, b)..'\\n') end}}",
        list.display()
    );
    let output = Command::new("rpm")
        .arg("--eval")
        .arg(eval)
        .output()
        .expect("rpm is needed: run scripts/test");
    assert!(output.status.success(), "{output:?}");
    let output = output.stdout;
    let answers: Vec<i32> = String::from_utf8(output)
        .unwrap()
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    assert_eq!(answers.len(), pairs.len());
    for ((left, right), answer) in pairs.iter().zip(answers) {
        assert_eq!(
            rpmvercmp(left, right) as i32,
            answer,
            "{left:?} against {right:?}"
        );
    }
}
