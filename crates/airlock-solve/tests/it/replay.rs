//! The fuzz target's body, run on stable over good texts, their cuts and flips, and noise.

#[path = "../../../../fuzz/bodies/rich.rs"]
mod rich;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;

const WORDS: [&str; 25] = [
    "(",
    ")",
    " ",
    "a",
    "b",
    "c",
    "x",
    "missing",
    " and ",
    " or ",
    " if ",
    " else ",
    " unless ",
    " with ",
    " without ",
    " >= ",
    " < ",
    " = ",
    "1",
    "2-1",
    "1:",
    "((",
    "\u{b}",
    ",",
    "\u{a0}",
];

#[test]
fn rich_dependencies() {
    let good = [
        "a or b)",
        "a and (b or missing))",
        "a if (c >= 2 with b) else missing)",
        "missing unless (a without c) else (b if x))",
        "c >= 1:2-3 with c < 4)",
    ];
    for (seed, text) in (0..).zip(good) {
        rich::rich(text.as_bytes());
        for case in hostile::cut(text.as_bytes(), seed, 40)
            .into_iter()
            .chain(hostile::flipped(text.as_bytes(), seed, 40))
        {
            rich::rich(&case.bytes);
        }
    }
    // White space that only rpm or only Unicode knows, commas; the first is what fuzzing found.
    for text in [
        "\u{5}\u{b}\u{1}\0)",
        "a\u{b}and\u{c}b)",
        "a, and ,b)",
        "a\u{a0}or\u{85}b)",
        "c >= ;22:2:2--)",
        "c >= 0:1:2 or c < 1-2-3)",
    ] {
        rich::rich(text.as_bytes());
    }
    let mut random = Seeded::new(7);
    for _ in 0..2000 {
        let text: String = (0..random.below(14))
            .map(|_| *random.pick(&WORDS))
            .collect();
        rich::rich(text.as_bytes());
    }
    // More ways than anyone can count.
    let pairs: Vec<String> = (0..40).map(|_| "(a and b)".to_owned()).collect();
    rich::rich(format!("{})", pairs.join(" or ")).as_bytes());
}
