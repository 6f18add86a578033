//! Python's own ConfigParser as the oracle, over files put together from awkward pieces.

use std::io::Write;
use std::process::{Command, Stdio};

use airlock_ini::{Dialect, parse};
use airlock_testkit::seeded::Seeded;
use serde_json::{Value, json};

/// Reads a list of texts, writes for each the sections as Python sees them, or null when it refuses the file.
const ORACLE: &str = r"
import configparser, json, sys
out = []
for text in json.load(sys.stdin):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text)
        out.append({name: dict(parser.items(name)) for name in parser.sections()})
    except configparser.Error:
        out.append(None)
json.dump(out, sys.stdout)
";

const PIECES: [&str; 30] = [
    "[a]",
    "[b]",
    "[a] x",
    "[]",
    "[",
    "[DEFAULT]",
    "[x]y]",
    "\n",
    "\n",
    "\n",
    "\n",
    " ",
    "\t",
    "x=1",
    "X = two",
    "y:",
    "y = ",
    "=",
    "z",
    " more",
    "# remark",
    "; remark",
    " # inside",
    "v=a ; b",
    "\r\n",
    "\u{a0}",
    "é=ü",
    "::",
    "\u{c}",
    "q = [a]",
];

fn texts() -> Vec<String> {
    let mut random = Seeded::new(20);
    let mut texts: Vec<String> = (0..3000)
        .map(|_| {
            let count = random.below(14);
            let pieces: String = (0..count).map(|_| *random.pick(&PIECES)).collect();
            format!("[s]\n{pieces}")
        })
        .collect();
    texts.push("[a]\nx = 1\n\n  2\n\n\n# no\n  3\n\ny=\n\n z\n".to_owned());
    texts.push(String::new());
    texts
}

#[test]
fn files_are_read_as_python_reads_them() {
    let texts = texts();
    let mut python = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there (scripts/install tests)");
    let input = serde_json::to_vec(&texts).unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let expected: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let dialect = Dialect {
        interpolation: false,
        ..Dialect::python()
    };
    let mut read = 0;
    for (text, expected) in texts.iter().zip(expected) {
        let ours = match parse("f", text.as_bytes(), &dialect) {
            Err(_) => Value::Null,
            Ok(file) => {
                read += 1;
                let sections = file.sections.iter().map(|section| {
                    let options = section
                        .entries
                        .iter()
                        .map(|entry| (entry.name.clone(), json!(entry.value)));
                    (section.name.clone(), Value::Object(options.collect()))
                });
                Value::Object(sections.collect())
            }
        };
        assert_eq!(ours, expected, "{text:?}");
    }
    assert!(read > 500, "only {read} texts were good");
}
