//! A GnuPG home of its own, gone afterwards together with its agent.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        // The agent's socket path must be short, so not in a deep folder.
        let folder = tempfile::Builder::new()
            .prefix("gpg")
            .tempdir_in("/tmp")
            .unwrap();
        // SHA-1 and old keys are wanted here.
        std::fs::write(
            folder.path().join("gpg.conf"),
            "allow-weak-digest-algos\nallow-weak-key-signatures\n",
        )
        .unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn gpg(&self, arguments: &[&str]) -> Output {
        self.gpg_at(None, arguments)
    }

    /// Runs gpg, with its clock set to an instant (`20200101T000000`) if one is given.
    pub fn gpg_at(&self, instant: Option<&str>, arguments: &[&str]) -> Output {
        let mut command = Command::new("gpg");
        command
            .arg("--homedir")
            .arg(self.path())
            .args(["--batch", "--yes", "--quiet", "--no-permission-warning"])
            .args(["--pinentry-mode", "loopback", "--passphrase", ""]);
        if let Some(instant) = instant {
            command
                .arg("--faked-system-time")
                .arg(format!("{instant}!"));
        }
        let output = command
            .args(arguments)
            .output()
            .expect("gpg is needed: run scripts/test");
        assert!(
            output.status.success(),
            "gpg {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    pub fn make_key(&self, algorithm: &str, name: &str, expires: &str) {
        self.make_key_at(None, algorithm, name, expires);
    }

    pub fn make_key_at(&self, instant: Option<&str>, algorithm: &str, name: &str, expires: &str) {
        let user = format!("{name} <{name}@example.org>");
        self.gpg_at(
            instant,
            &["--quick-gen-key", &user, algorithm, "sign", expires],
        );
    }

    pub fn fingerprint(&self, name: &str) -> String {
        let output = self.gpg(&["--with-colons", "--list-keys", name]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix("fpr:::::::::"))
            .unwrap()
            .trim_end_matches(':')
            .to_owned()
    }

    /// Fingerprint of the only subkey.
    pub fn subkey_fingerprint(&self, name: &str) -> String {
        let output = self.gpg(&["--with-colons", "--list-keys", name]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("fpr:::::::::"))
            .nth(1)
            .unwrap()
            .trim_end_matches(':')
            .to_owned()
    }

    pub fn add_signing_subkey(&self, name: &str, algorithm: &str) {
        let fingerprint = self.fingerprint(name);
        self.gpg(&["--quick-add-key", &fingerprint, algorithm, "sign", "never"]);
    }

    /// Answers the questions of `gpg --edit-key`, one a line.
    pub fn edit_key(&self, name: &str, answers: &str) {
        let mut child = Command::new("gpg")
            .arg("--homedir")
            .arg(self.path())
            .args(["--quiet", "--no-tty", "--status-fd", "1"])
            .args(["--pinentry-mode", "loopback", "--passphrase", ""])
            .args(["--command-fd", "0", "--edit-key", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gpg is needed: run scripts/test");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(answers.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    pub fn export(&self) -> Vec<u8> {
        self.gpg(&["--export"]).stdout
    }

    pub fn export_armored(&self, name: &str) -> String {
        String::from_utf8(self.gpg(&["--export", "--armor", name]).stdout).unwrap()
    }

    pub fn export_secret(&self, name: &str) -> String {
        let output = self.gpg(&["--export-secret-keys", "--armor", name]);
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn sign_detached(&self, user: &str, data: &[u8]) -> Vec<u8> {
        self.sign_detached_with(None, user, data, &[])
    }

    pub fn sign_detached_with(
        &self,
        instant: Option<&str>,
        user: &str,
        data: &[u8],
        options: &[&str],
    ) -> Vec<u8> {
        let path = self.write("to-sign", data);
        let mut arguments = options.to_vec();
        let path = path.to_str().unwrap().to_owned();
        arguments.extend([
            "--local-user",
            user,
            "--output",
            "-",
            "--detach-sign",
            &path,
        ]);
        self.gpg_at(instant, &arguments).stdout
    }

    /// Signs a package in place with the real rpmsign.
    pub fn rpmsign(&self, user: &str, package: &Path, options: &[&str], digest: &str) {
        let output = Command::new("rpmsign")
            .args(["--define", &format!("_gpg_name {user}")])
            .args(["--define", &format!("_gpg_path {}", self.path().display())])
            .args(["--define", "__gpg /usr/bin/gpg"])
            .args(["--define", &format!("_gpg_digest_algo {digest}")])
            .args([
                "--define",
                "_gpg_sign_cmd_extra_args --batch --pinentry-mode loopback --passphrase ''",
            ])
            .args(options)
            .arg("--addsign")
            .arg(package)
            .env("HOME", self.path())
            .env("GNUPGHOME", self.path())
            .output()
            .expect("rpmsign is needed: run scripts/test");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What `rpm -Kv` with these keys says on a package: success and its text.
    pub fn rpm_checks(&self, armored_keys: &str, package: &Path) -> (bool, String) {
        let database = tempfile::tempdir().unwrap();
        let key = self.write("key.asc", armored_keys.as_bytes());
        let import = Command::new("rpmkeys")
            .arg("--dbpath")
            .arg(database.path())
            .arg("--import")
            .arg(key)
            .output()
            .expect("rpmkeys is needed: run scripts/test");
        assert!(
            import.status.success(),
            "{}",
            String::from_utf8_lossy(&import.stderr)
        );
        let check = Command::new("rpmkeys")
            .arg("--dbpath")
            .arg(database.path())
            .args(["--define", "_pkgverify_level all", "-Kv"])
            .arg(package)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&check.stdout).into_owned();
        (check.status.success(), text)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Only the agent of this home.
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.folder.path())
            .args(["--kill", "all"])
            .output();
    }
}
