//! Running the server's probes on this machine.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::execute::{Ended, end};
use crate::server::{Probe, Probed, Prober};

/// How much of a probe's output is kept.
const MOST: usize = 4 << 20;
/// How much of its complaints is shown.
const MOST_SHOWN: usize = 400;

/// Runs probes as the kernel runs scripts, each out of a file that is there only for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scripts {
    /// How long one may take (`probe_timeout`); `None`: any time.
    pub timeout: Option<Duration>,
}

impl Prober for Scripts {
    fn run(&mut self, probe: &Probe) -> Probed {
        match self.attempt(probe) {
            Ok(ended) => probed(&ended, self.timeout),
            Err(error) => Probed {
                failure: Some(format!("{}: {error}", probe.interpreter)),
                ..Probed::default()
            },
        }
    }
}

impl Scripts {
    fn attempt(self, probe: &Probe) -> std::io::Result<Ended> {
        let mut file = tempfile::Builder::new().prefix("probe-").tempfile()?;
        // Some scripts look at their own first line, and messages name lines.
        write!(file, "#!{}\n{}", probe.interpreter, probe.script)?;
        file.flush()?;
        // A first line has one argument at most, as the kernel reads it. Started like this a script may lie where nothing is
        // executed.
        let mut words = probe.interpreter.splitn(2, char::is_whitespace);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words.next().map(str::trim))
            .arg(file.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // With a time limit what it starts ends with it; without one an interrupt reaches it as it reaches the agent.
        if self.timeout.is_some() {
            command.process_group(0);
        }
        let child = command.spawn()?;
        Ok(end(child, self.timeout, MOST))
    }
}

fn probed(ended: &Ended, timeout: Option<Duration>) -> Probed {
    let mut notes = Vec::new();
    let complaints = String::from_utf8_lossy(&ended.error.text);
    let complaints: Vec<&str> = complaints.lines().map(str::trim).collect();
    let complaints = complaints.join("; ");
    if !complaints.is_empty() {
        let shown = complaints.chars().take(MOST_SHOWN);
        let shown = shown.map(|one| if one.is_control() { '\u{fffd}' } else { one });
        notes.push(format!("it complains: {}", shown.collect::<String>()));
    }
    if ended.output.lingers {
        notes.push("something that it started still runs; its output may be incomplete".to_owned());
    }
    if ended.output.omitted > 0 {
        notes.push(format!(
            "{} bytes of its output are left out",
            ended.output.omitted
        ));
    }
    let failure = match (&ended.status, timeout) {
        (_, Some(limit)) if ended.killed => Some(format!(
            "it took longer than probe_timeout, {} seconds",
            limit.as_secs()
        )),
        (Ok(status), _) if status.success() => None,
        (Ok(status), _) => Some(status.to_string()),
        (Err(error), _) => Some(error.to_string()),
    };
    Probed {
        output: String::from_utf8_lossy(&ended.output.text).into_owned(),
        failure,
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(interpreter: &str, script: &str, timeout: Option<Duration>) -> Probed {
        let probe = Probe {
            name: "p".to_owned(),
            source: "Probes".to_owned(),
            interpreter: interpreter.to_owned(),
            script: script.to_owned(),
        };
        Scripts { timeout }.run(&probe)
    }

    #[test]
    fn a_probe_runs_by_its_interpreter_with_one_argument_and_its_own_first_line() {
        let probed = run(
            "/bin/sh -eu",
            "head -1 \"$0\"; false; echo not here\n",
            None,
        );
        assert_eq!(probed.output, "#!/bin/sh -eu\n");
        assert!(
            probed
                .failure
                .is_some_and(|why| why.contains("exit status: 1"))
        );
        let probed = run("/bin/sh", "echo group:x; echo oh >&2\n", None);
        assert_eq!(
            (probed.output.as_str(), probed.failure),
            ("group:x\n", None)
        );
        assert_eq!(probed.notes, ["it complains: oh"]);
        let probed = run("/bin/sh", "printf 'a\\nb\\033[31m' >&2\n", None);
        assert_eq!(probed.notes, ["it complains: a; b\u{fffd}[31m"]);
        let probed = run("/no/such/program", "x", None);
        let why = probed.failure.unwrap_or_default();
        assert!(why.starts_with("/no/such/program: "), "{why}");
    }

    #[test]
    fn a_probe_that_takes_too_long_is_ended() {
        let limit = Some(Duration::from_millis(200));
        let probed = run("/bin/sh", "echo begun; sleep 600; echo not here\n", limit);
        let why = probed.failure.unwrap_or_default();
        assert!(why.contains("longer than probe_timeout"), "{why}");
        assert_eq!(probed.output, "begun\n");
        // The pipe is closed: nothing that it started is left.
        assert_eq!(probed.notes, Vec::<String>::new());
    }
}
