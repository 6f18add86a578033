//! Running commands: argument vectors, nothing on standard input, output kept to a limit.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, kill_process_group};

use super::Host;
use crate::run::command::{Command, MOST_OUTPUT, Ran};

/// Between two looks at a command that has a time limit.
const LOOK: Duration = Duration::from_millis(50);

/// How much is kept of an answer that is read here.
pub(super) const LARGEST_ANSWER: usize = 32 << 20;

/// How long output is waited for when the command itself has ended.
const LINGER: Duration = Duration::from_secs(5);

impl Host {
    /// Runs a command with the options that this root needs.
    pub(super) fn execute(&mut self, command: &Command) -> Ran {
        self.execute_keeping(command, MOST_OUTPUT)
    }

    /// The same with another limit of what is kept of its output.
    pub(super) fn execute_keeping(&mut self, command: &Command, most: usize) -> Ran {
        self.execute_apart(command, most).0
    }

    /// Asks: the answer comes apart from what the program complains of, and whole.
    ///
    /// # Errors
    /// The program's last words, when it ended otherwise than with one of these, or said too much.
    pub(super) fn answer(&mut self, command: &Command, good: &[i32]) -> Result<String, String> {
        let (ran, answer) = self.execute_apart(command, LARGEST_ANSWER);
        if ran.omitted > 0 {
            return Err("its answer is too long".to_owned());
        }
        if ran.exit.is_some_and(|exit| good.contains(&exit)) {
            return Ok(answer);
        }
        let last = ran.output.lines().rfind(|line| !line.trim().is_empty());
        Err(last.unwrap_or("it gives no reason").trim().to_owned())
    }

    fn execute_apart(&mut self, command: &Command, most: usize) -> (Ran, String) {
        let own = match command.program.as_str() {
            "rpm" => self.rpm_options(),
            _ => self.manager_options(&command.program),
        };
        let mut arguments = vec![command.program.clone()];
        arguments.extend(own);
        arguments.extend(command.arguments.iter().cloned());
        let mut ran = Ran {
            command: command.clone(),
            arguments,
            exit: None,
            output: String::new(),
            omitted: 0,
        };
        let Some((program, rest)) = ran.arguments.split_first() else {
            return (ran, String::new());
        };
        let given = match names_in_file(rest, MOST_OF_ONE) {
            Ok(given) => given,
            Err(error) => {
                ran.output = format!("{program}: the list of protected packages: {error}");
                return (ran, String::new());
            }
        };
        let mut process = std::process::Command::new(program);
        process
            .args(given.as_ref().map_or(rest, |(rest, _)| rest))
            .env("LC_ALL", "C.UTF-8")
            // Programs in Python ask for this first, and answers in another language are not understood here.
            .env_remove("LANGUAGE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let answer = match process.spawn() {
            Ok(child) => finish(child, self.options.timeout, most, &mut ran),
            Err(error) => {
                ran.output = format!("{program}: {error}");
                String::new()
            }
        };
        (ran, answer)
    }

    fn rpm_options(&mut self) -> Vec<String> {
        let mut options = self.place_options();
        options.extend(self.options.rpm_options.iter().cloned());
        options
    }

    /// `--root` and `--dbpath`, where rpm would look elsewhere by itself.
    fn place_options(&mut self) -> Vec<String> {
        if let Some(place) = &self.rpm_place {
            return place.clone();
        }
        let root = &self.options.root;
        let mut options = Vec::new();
        if root != Path::new("/") {
            options.push("--root".to_owned());
            options.push(root.display().to_string());
        }
        let file = self
            .seen
            .as_ref()
            .map(|seen| seen.machine.database().location().file.clone());
        let folder = file.as_deref().and_then(Path::parent).map(|folder| {
            let inside = folder.strip_prefix(root).unwrap_or(folder);
            Path::new("/").join(inside)
        });
        if let Some(folder) = folder
            && rpm_default().as_deref() != Some(folder.as_path())
        {
            options.push("--dbpath".to_owned());
            options.push(folder.display().to_string());
        }
        if self.seen.is_some() {
            self.rpm_place = Some(options.clone());
        }
        options
    }

    fn manager_options(&self, program: &str) -> Vec<String> {
        let root = &self.options.root;
        let mut options = Vec::new();
        if root != Path::new("/") {
            let word = match program {
                "zypper" => "--root",
                _ => "--installroot",
            };
            options.push(word.to_owned());
            options.push(root.display().to_string());
        }
        options.extend(self.options.manager_options.iter().cloned());
        options
    }
}

/// Linux takes no argument of 128 KiB or more.
const MOST_OF_ONE: usize = 100 << 10;

/// The option by which dnf and yum hear what is protected.
const PROTECTED: &str = "--setopt=protected_packages=";

/// The arguments with a list of protected packages that is too long in a file, which dnf and yum read, and that file; `None`
/// when there is no such list.
fn names_in_file(
    arguments: &[String],
    most: usize,
) -> std::io::Result<Option<(Vec<String>, tempfile::NamedTempFile)>> {
    let long = arguments.iter().position(|one| one.len() > most);
    let Some(at) = long else {
        return Ok(None);
    };
    let Some(names) = arguments[at].strip_prefix(PROTECTED) else {
        return Ok(None);
    };
    let mut file = tempfile::Builder::new().suffix(".conf").tempfile()?;
    for name in names.split(',') {
        writeln!(file, "{name}")?;
    }
    file.flush()?;
    let mut arguments = arguments.to_vec();
    arguments[at] = format!("{PROTECTED}glob:{}", file.path().display());
    Ok(Some((arguments, file)))
}

/// Where rpm has its database by default.
fn rpm_default() -> Option<std::path::PathBuf> {
    let output = std::process::Command::new("rpm")
        .args(["--eval", "%{_dbpath}"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let path = text.trim();
    (path.starts_with('/')).then(|| path.into())
}

/// Waits for a command and keeps what it said; gives what it wrote to standard output alone.
fn finish(child: Child, timeout: Option<Duration>, most: usize, ran: &mut Ran) -> String {
    let ended = end(child, timeout, most / 2);
    if ended.killed {
        // rpm rolls nothing back, but its lock goes with it; the next run looks at what is there.
        ran.output
            .push_str("killed: it took longer than command_timeout\n");
    }
    for part in [&ended.output, &ended.error] {
        ran.output.push_str(&String::from_utf8_lossy(&part.text));
        ran.omitted += part.omitted;
        if part.lingers {
            ran.output.push_str(
                "\n(a process that it started still runs; what that writes is left out)\n",
            );
        }
    }
    match ended.status {
        Ok(status) => ran.exit = status.code(),
        Err(error) => ran.output.push_str(&error.to_string()),
    }
    String::from_utf8_lossy(&ended.output.text).into_owned()
}

/// A process that ended.
pub(super) struct Ended {
    /// How.
    pub(super) status: std::io::Result<ExitStatus>,
    /// It took too long.
    pub(super) killed: bool,
    /// What it wrote to standard output.
    pub(super) output: Kept,
    /// What it wrote to standard error.
    pub(super) error: Kept,
}

/// Waits for a process as long as it may take; keeps at most so many bytes of each of its outputs.
pub(super) fn end(mut child: Child, timeout: Option<Duration>, most: usize) -> Ended {
    let output = child.stdout.take().map(|from| collect(from, most));
    let error = child.stderr.take().map(|from| collect(from, most));
    let began = Instant::now();
    let mut killed = false;
    let status = loop {
        let Some(limit) = timeout else {
            break child.wait();
        };
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) if began.elapsed() > limit => {
                killed = true;
                // Its children go with it where it leads a group of its own.
                if let Some(group) = Pid::from_raw(child.id().cast_signed())
                    && getpgid(Some(group)) == Ok(group)
                {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.kill();
                break child.wait();
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => break Err(error),
        }
    };
    // What a script of a package left running in the background may hold the pipes for ever.
    let ended = Instant::now();
    let take = |pipe: Option<(JoinHandle<()>, Arc<Mutex<Kept>>)>| {
        let Some((reader, kept)) = pipe else {
            return Kept::default();
        };
        while !reader.is_finished() && ended.elapsed() < LINGER {
            std::thread::sleep(LOOK);
        }
        let lingers = !reader.is_finished();
        let mut kept = kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.lingers = lingers;
        std::mem::take(&mut *kept)
    };
    let (output, error) = (take(output), take(error));
    Ended {
        status,
        killed,
        output,
        error,
    }
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The bytes that are kept.
    pub(super) text: Vec<u8>,
    /// How many are not.
    pub(super) omitted: u64,
    /// Something still writes.
    pub(super) lingers: bool,
}

fn collect<R: Read + Send + 'static>(
    mut from: R,
    most: usize,
) -> (JoinHandle<()>, Arc<Mutex<Kept>>) {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let to = Arc::clone(&kept);
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let mut kept = to.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let room = most.saturating_sub(kept.text.len()).min(count);
                    kept.text.extend_from_slice(&buffer[..room]);
                    kept.omitted += (count - room) as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
    (reader, kept)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_for_an_argument_stands_in_a_file() {
        let arguments = [
            "--quiet",
            "--setopt=protected_packages=one,two,three",
            "remove",
        ];
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        assert!(names_in_file(&arguments, 100).unwrap().is_none());
        let (given, file) = names_in_file(&arguments, 30).unwrap().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");
        assert_eq!(
            (given[0].as_str(), given[2].as_str()),
            ("--quiet", "remove")
        );
        let shown = format!("--setopt=protected_packages=glob:{}", file.path().display());
        assert_eq!(given[1], shown);
    }

    #[test]
    fn what_a_script_leaves_running_does_not_hold_the_run() {
        let child = std::process::Command::new("sh")
            .args(["-c", "echo done; sleep 30 & exit 3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ran = Ran {
            command: Command::new("sh", ["-c"]),
            arguments: Vec::new(),
            exit: None,
            output: String::new(),
            omitted: 0,
        };
        finish(child, None, MOST_OUTPUT, &mut ran);
        assert_eq!(ran.exit, Some(3));
        assert!(ran.output.starts_with("done\n"), "{}", ran.output);
        assert!(ran.output.contains("still runs"), "{}", ran.output);
    }
}
