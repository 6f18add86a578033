//! Runs `virsh`, read-only, with several commands at once over one connection.

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::backend::{Error, Result};
use crate::settings::Settings;

/// The option that names another program than `virsh`; not offered to sections.
pub const PROGRAM: &str = "virsh";

/// What came of several commands.
pub struct Printed {
    /// What each printed, by name.
    pub parts: HashMap<String, String>,
    /// What was said on the error channel.
    pub complaints: String,
}

impl Printed {
    /// Whether something else was complained about than a guest that is gone.
    pub fn failed(&self) -> bool {
        const GONE: [&str; 3] = ["failed to get domain", "domain not found", "no domain with"];
        self.complaints.lines().any(|line| {
            let line = line.trim().to_lowercase();
            line.starts_with("error:") && !GONE.iter().any(|words| line.contains(words))
        })
    }
}

/// How to run it.
pub struct Virsh {
    program: String,
    uri: String,
    timeout: Duration,
    /// Account for transports that ask for one. Held open, for others unreadable, removed at the end.
    account: Option<NamedTempFile>,
}

impl Virsh {
    /// For the libvirt that the settings name; writes the account's file.
    pub fn new(settings: &Settings) -> Result<Self> {
        let account = match (&settings.username, &settings.password) {
            (Some(user), Some(password)) => Some(account(user, password.reveal())?),
            _ => None,
        };
        Ok(Self {
            program: settings.option(PROGRAM).unwrap_or("virsh").to_owned(),
            uri: settings.server.clone(),
            timeout: settings.timeout,
            account,
        })
    }

    /// Runs commands and gives what each of them printed, by name. A command that fails prints nothing there, and says why in
    /// [`Printed::complaints`].
    pub async fn run(&self, commands: &[(&str, &str)]) -> Result<Printed> {
        let mark = format!("@@{:016x}@@", rand::random::<u64>());
        let script: Vec<_> = commands
            .iter()
            .map(|(name, command)| format!("echo {mark}{name}{mark}; {command}"))
            .collect();
        let mut child = self.command();
        child.arg(script.join("; "));
        let work = child.output();
        let output = match tokio::time::timeout(self.timeout, work).await {
            Ok(output) => output.map_err(|error| self.not_started(&error))?,
            Err(_) => {
                return Err(Error::TimedOut {
                    server: self.shown().to_owned(),
                    doing: "virsh".to_owned(),
                    after: self.timeout,
                });
            }
        };
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut pieces = printed.split(mark.as_str()).skip(1);
        let mut parts = HashMap::new();
        let mut answered = 0;
        while let (Some(name), Some(text)) = (pieces.next(), pieces.next()) {
            parts.insert(name.to_owned(), text.to_owned());
            answered += 1;
        }
        if answered < commands.len() {
            return Err(self.told(&String::from_utf8_lossy(&output.stderr)));
        }
        Ok(Printed {
            parts,
            complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Begins to listen for events.
    pub fn listen(&self) -> Result<Events> {
        let mut command = self.command();
        command
            .args(["event", "--event", "lifecycle", "--loop"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.not_started(&error))?;
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        Ok(Events {
            lines,
            heard: false,
            child,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-q", "-r"]);
        if !self.uri.is_empty() {
            command.args(["-c", &self.uri]);
        }
        if let Some(account) = &self.account {
            command.env("LIBVIRT_AUTH_FILE", account.path());
        }
        command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn shown(&self) -> &str {
        if self.uri.is_empty() {
            "the local libvirt"
        } else {
            &self.uri
        }
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let reason = if error.kind() == std::io::ErrorKind::NotFound {
            "it is not installed; install libvirt-clients (Debian, Ubuntu) or libvirt-client (Fedora, EL, SUSE)"
                .to_owned()
        } else {
            error.to_string()
        };
        Error::Program {
            program: self.program.clone(),
            reason,
        }
    }

    /// The error for what is said besides.
    pub fn failed(&self, reason: String) -> Error {
        Error::Protocol {
            server: self.shown().to_owned(),
            doing: "virsh".to_owned(),
            reason,
        }
    }

    /// The error for what virsh said before it ended.
    pub fn told(&self, text: &str) -> Error {
        let reason = text
            .lines()
            .map(|line| line.trim().trim_start_matches("error: "))
            .filter(|line| !line.is_empty() && *line != "failed to connect to the hypervisor")
            .collect::<Vec<_>>()
            .join("; ");
        let reason = if reason.is_empty() {
            "virsh ended without a word".to_owned()
        } else {
            reason
        };
        let server = self.shown().to_owned();
        let says = |words: &[&str]| {
            let text = reason.to_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        if says(&[
            "authentication failed",
            "permission denied (",
            "access denied",
            "authentication required",
        ]) {
            return Error::Refused { server, reason };
        }
        if says(&["certificate", "tls handshake"]) {
            return Error::Tls {
                server,
                reason,
                prefix: "",
            };
        }
        Error::Unreachable { server, reason }
    }
}

/// What a listener hears.
pub struct Events {
    lines: Option<Lines<BufReader<ChildStdout>>>,
    heard: bool,
    /// Ends with this.
    child: Child,
}

/// What listening came to.
pub enum Heard {
    /// A guest was started, stopped, defined, moved.
    Event,
    /// The driver has no events.
    Unsupported,
    /// The connection is gone; this was said last.
    Ended(String),
}

impl Events {
    /// What was heard so far is covered by the read that begins now.
    pub fn forget(&mut self) {
        self.heard = false;
    }

    /// Waits for the next event. May be dropped and called again.
    pub async fn next(&mut self) -> Heard {
        if self.heard {
            return Heard::Event;
        }
        if let Some(lines) = &mut self.lines
            && let Ok(Some(_)) = lines.next_line().await
        {
            self.heard = true;
            return Heard::Event;
        }
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut text).await;
        }
        if text.contains("not supported") {
            Heard::Unsupported
        } else {
            Heard::Ended(text)
        }
    }
}

/// libvirt's file of accounts. Reference: libvirt, "Client authentication file".
fn account(user: &str, password: &str) -> Result<NamedTempFile> {
    let bad = |reason: String| Error::Setting {
        option: "password".to_owned(),
        reason,
    };
    if [user, password]
        .iter()
        .any(|text| text.contains(['\n', '\r']))
    {
        return Err(bad("user and password have one line each".to_owned()));
    }
    let mut text =
        format!("[credentials-airlock]\nauthname={user}\nusername={user}\npassword={password}\n");
    for service in ["libvirt", "ssh", "esx", "xen", "hyperv"] {
        text.push_str(&format!("[auth-{service}-default]\ncredentials=airlock\n"));
    }
    let mut file =
        NamedTempFile::with_prefix("airlock-virt-who-").map_err(|error| bad(error.to_string()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .map_err(|error| bad(error.to_string()))?;
    Ok(file)
}
