//! Finding and running the programs that tests need.
//!
//! A missing program fails the test and names the cure; it is never a reason to skip. Source of truth for what is
//! installed: `scripts/test`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Looks a program up in `PATH`, or takes an absolute path as it is. `None` when there is no such file.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return path.is_file().then_some(path);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Like [`find`], but a missing program fails the test.
///
/// # Panics
/// When the program is not installed.
#[must_use]
#[track_caller]
pub fn require(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| {
        panic!("{name} is not installed: run scripts/test, which installs what tests need")
    })
}

/// What a finished program printed, as text; bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit status; 128 + signal when it was killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Both streams, one after the other: what a person would have seen.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails the test unless the program ended with 0.
    ///
    /// # Panics
    /// On any other exit status, with everything the program printed.
    #[track_caller]
    #[must_use]
    pub fn expect_success(self) -> Self {
        assert!(self.code == 0, "exit status {}\n{}", self.code, self.text());
        self
    }

    /// Fails the test when the program ended with 0.
    ///
    /// # Panics
    /// On exit status 0.
    #[track_caller]
    #[must_use]
    pub fn expect_failure(self) -> Self {
        assert!(self.code != 0, "it should have failed\n{}", self.text());
        self
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output
            .status
            .code()
            .or_else(|| output.status.signal().map(|signal| 128 + signal))
            .unwrap_or(-1);
        Self {
            code,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end without standard input and returns what it printed, whatever its exit status.
///
/// # Panics
/// When the program cannot be started.
#[track_caller]
pub fn run(command: &mut Command) -> Finished {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "cannot start {:?}: {error}; run scripts/test once",
                command.get_program()
            )
        })
        .into()
}

/// Runs a command that has to succeed; returns its standard output.
///
/// # Panics
/// When it cannot be started or does not end with 0.
#[track_caller]
pub fn run_ok(command: &mut Command) -> String {
    let described = format!("{command:?}");
    let finished = run(command);
    assert!(
        finished.code == 0,
        "{described}\nexit status {}\n{}",
        finished.code,
        finished.text()
    );
    finished.stdout
}

/// Whether this process runs as root. Read from `/proc`, so that no unsafe call is needed.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The top folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .ancestors()
        .nth(2)
        .expect("crates/NAME is two levels deep")
        .to_path_buf()
}

/// The folder that cargo builds into: `CARGO_TARGET_DIR`, else `target` in the workspace.
#[must_use]
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}
