//! Prompts on a pseudo terminal, which `script` of util-linux makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use super::Machine;

const TWO: &str = "
  <Package name='alpha' type='rpm' uri='URI'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>
  <Package name='gamma' type='rpm' uri='URI'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>";

/// A run on a terminal.
struct Typed {
    child: Child,
    shown: String,
}

impl Typed {
    fn start(machine: &Machine) -> Self {
        let command = machine.command("apply", &["--entries", "entries.xml", "-I"]);
        let words: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        // Tests that run in the background get interrupts ignored, and what they start inherits that.
        let child = Command::new("env")
            .args(["--default-signal=INT", "script"])
            .args(["-q", "-e", "-c", &words.join(" "), "/dev/null"])
            .current_dir(machine.folder.path())
            .env("HOME", "/root")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            child,
            shown: String::new(),
        }
    }

    /// Reads until this stands at the end of what is shown: the program waits there.
    fn wait_for(&mut self, end: &str) {
        let out = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.shown.ends_with(end) {
            let count = out.read(&mut byte).unwrap();
            assert_eq!(count, 1, "it ended without {end:?}: {}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
    }

    fn press(&mut self, keys: &str) {
        let keyboard = self.child.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// What was shown, and the exit status.
    fn end(mut self) -> (String, i32) {
        let mut rest = Vec::new();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        let status = self.child.wait().unwrap();
        (self.shown, status.code().unwrap())
    }
}

fn machine() -> Machine {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    machine.declare(TWO);
    machine
}

#[test]
fn each_question_waits_for_its_answer_on_the_same_line() {
    let machine = machine();
    let mut run = Typed::start(&machine);
    run.wait_for("U(None:1.0-1.noarch -> *:1.1-1.noarch)  (y/N) ");
    run.press("y\n");
    run.wait_for("(y/N) y\r\nInstall Package gamma Instance(s) I(*:1.0-1.noarch) ? (y/N) ");
    run.press("no\n");
    let (shown, code) = run.end();
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.contains("? (y/N) no\r\nPackage:alpha: put right\r\n"),
        "{shown}"
    );
    assert_eq!(machine.installed(), ["alpha-1.1-1.noarch"]);
}

#[test]
fn an_interrupt_at_a_question_does_nothing_of_what_was_accepted_before() {
    let machine = machine();
    let mut run = Typed::start(&machine);
    run.wait_for("(y/N) ");
    run.press("y\n");
    run.wait_for("gamma Instance(s) I(*:1.0-1.noarch) ? (y/N) ");
    run.press("\u{3}");
    let (shown, code) = run.end();
    assert_ne!(code, 0, "{shown}");
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

#[test]
fn questions_stand_beside_the_document_not_in_it() {
    let machine = machine();
    let ran = machine.answering("apply", &super::with(&["-I", "--json"]), "y\nn\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["modified"][0], "Package:alpha");
    assert!(
        ran.stderr
            .contains("U(None:1.0-1.noarch -> *:1.1-1.noarch)  (y/N) "),
        "{}",
        ran.stderr
    );
}
