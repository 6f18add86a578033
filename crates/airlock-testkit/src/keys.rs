//! Signing keys of a test's own, in a temporary `GNUPGHOME`.
//!
//! Keys are made at run time by gpg; no secret key is kept in the tree. rpmsign signs packages the way vendors do.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::programs::{find, require, run_ok};

/// A signing key with its private gpg folder, which is removed when this is dropped.
#[derive(Debug)]
pub struct SigningKey {
    home: TempDir,
    fingerprint: String,
    user: String,
}

impl SigningKey {
    /// An RSA-2048 key: what every client since EL5 understands.
    ///
    /// # Panics
    /// When gpg is missing or fails.
    #[must_use]
    #[track_caller]
    pub fn rsa(name: &str) -> Self {
        Self::generate(name, "rsa2048")
    }

    /// An Ed25519 key.
    ///
    /// # Panics
    /// When gpg is missing or fails.
    #[must_use]
    #[track_caller]
    pub fn ed25519(name: &str) -> Self {
        Self::generate(name, "ed25519")
    }

    #[track_caller]
    fn generate(name: &str, algorithm: &str) -> Self {
        // A short path: the agent's socket lies inside and a socket path may have 107 bytes only.
        let home = tempfile::Builder::new()
            .prefix("alk")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        let user = format!("{name} <{name}@example.com>");
        let mut key = Self {
            home,
            fingerprint: String::new(),
            user,
        };
        run_ok(key.gpg().args([
            "--batch",
            "--passphrase",
            "",
            "--quick-generate-key",
            &key.user,
            algorithm,
            "sign",
            "never",
        ]));
        let listed = run_ok(key.gpg().args(["--batch", "--with-colons", "--list-keys"]));
        key.fingerprint = listed
            .lines()
            .find_map(|line| line.strip_prefix("fpr:"))
            .and_then(|rest| rest.split(':').find(|field| !field.is_empty()))
            .expect("gpg lists the key it made")
            .to_owned();
        key
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new(require("gpg"));
        command.arg("--homedir").arg(self.home.path()).args([
            "--no-tty",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]);
        command
    }

    /// The fingerprint, 40 upper-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The public key, ASCII armoured.
    ///
    /// # Panics
    /// When gpg fails.
    #[must_use]
    #[track_caller]
    pub fn public_key(&self) -> String {
        run_ok(
            self.gpg()
                .args(["--batch", "--armor", "--export", &self.fingerprint]),
        )
    }

    /// Writes the public key to a file and returns its path.
    ///
    /// # Panics
    /// When gpg fails or the file cannot be written.
    #[track_caller]
    pub fn write_public_key(&self, path: &Path) -> PathBuf {
        std::fs::write(path, self.public_key()).expect("the key file is written");
        path.to_path_buf()
    }

    /// Signs RPM files in place with rpmsign (header signature by RSA or EdDSA, SHA-256).
    ///
    /// # Panics
    /// When rpmsign is missing or fails.
    #[track_caller]
    pub fn sign_rpms<P: AsRef<Path>>(&self, files: &[P]) {
        if files.is_empty() {
            return;
        }
        let gpg = find("gpg2").unwrap_or_else(|| require("gpg"));
        let mut command = Command::new(require("rpmsign"));
        command
            .args(["--define", &format!("_gpg_name {}", self.fingerprint)])
            .args(["--define", &format!("__gpg {}", gpg.display())])
            .args([
                "--define",
                &format!("_gpg_path {}", self.home.path().display()),
            ])
            .args(["--define", "_gpg_digest_algo sha256"])
            .env("GNUPGHOME", self.home.path())
            .arg("--addsign");
        for file in files {
            command.arg(file.as_ref());
        }
        run_ok(&mut command);
    }

    /// Writes `FILE.asc`, an armoured detached signature, and returns its path.
    ///
    /// # Panics
    /// When gpg fails.
    #[track_caller]
    pub fn sign_detached(&self, file: &Path) -> PathBuf {
        let mut signature = file.as_os_str().to_owned();
        signature.push(".asc");
        let signature = PathBuf::from(signature);
        run_ok(
            self.gpg()
                .args([
                    "--batch",
                    "--yes",
                    "--armor",
                    "--detach-sign",
                    "--digest-algo",
                    "sha256",
                    "--local-user",
                    &self.fingerprint,
                ])
                .arg("--output")
                .arg(&signature)
                .arg(file),
        );
        signature
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        // The agent that gpg started would otherwise outlive its folder.
        if let Some(gpgconf) = find("gpgconf") {
            let _ = Command::new(gpgconf)
                .arg("--homedir")
                .arg(self.home.path())
                .args(["--kill", "gpg-agent"])
                .output();
        }
    }
}
