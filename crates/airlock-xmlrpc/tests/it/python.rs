//! Python's own xmlrpc.client as the oracle: it reads what is written here, and what it writes back is the same.

use std::io::Write;
use std::process::{Command, Stdio};

use airlock_testkit::seeded::Seeded;
use airlock_xmlrpc::{Call, Limits, Value, parse_call, write_call};

/// Reads a call from standard input, writes it again.
const ORACLE: &str = r"
import sys, xmlrpc.client as x
params, method = x.loads(sys.stdin.buffer.read(), use_builtin_types=False)
sys.stdout.write(x.dumps(params, method, allow_none=True))
";

fn random(source: &mut Seeded, depth: u32) -> Value {
    match source.below(if depth > 3 { 6 } else { 8 }) {
        0 => Value::Int(i64::from(i32::try_from(source.below(1 << 31)).unwrap_or(0))),
        1 => Value::Bool(source.below(2) == 0),
        2 => Value::Double(-0.5 * source.below(1000) as f64),
        3 => Value::DateTime("20260102T03:04:05".to_owned()),
        4 => {
            let length = usize::try_from(source.below(200)).unwrap();
            Value::Base64(source.bytes(length))
        }
        5 => Value::from(*source.pick(&["", " a ", "<&>\"'", "ünï☃", "a\nb\tc", "]]>"])),
        6 => {
            let count = source.below(4);
            Value::Array((0..count).map(|_| random(source, depth + 1)).collect())
        }
        _ => {
            let count = source.below(4);
            Value::members((0..count).map(|i| (format!("m{i}<"), random(source, depth + 1))))
        }
    }
}

#[test]
fn python_reads_what_is_written_and_writes_the_same() {
    let mut source = Seeded::new(3);
    let params: Vec<Value> = (0..300).map(|_| random(&mut source, 0)).collect();
    let call = Call::new("a.b", params);
    let written = write_call(&call);
    let mut python = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there (scripts/install tests)");
    let mut stdin = python.stdin.take().unwrap();
    let input = written.clone();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(written.clone()).unwrap()
    );
    assert_eq!(parse_call(&written, &Limits::default()), Ok(call));
}
