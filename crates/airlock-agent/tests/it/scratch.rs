//! A root with packages of our own, installed by the real rpm.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use airlock_testkit::rpmbuild::rpmbuild;

pub struct Scratch {
    folder: tempfile::TempDir,
}

/// What came out of a program.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Scratch {
    /// An empty root with accounts of its own.
    pub fn new() -> Self {
        let scratch = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        scratch.write(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nkeeper:x:4711:4711::/:/bin/sh\n",
        );
        scratch.write("etc/group", "root:x:0:\nkeepers:x:4712:\n");
        scratch
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs the real rpm on the root.
    pub fn rpm(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(self.root()).args(arguments);
        command.env("HOME", "/root").env("LC_ALL", "C.UTF-8");
        command.output().expect("rpm runs").into()
    }

    /// Installs packages whatever they need.
    pub fn install(&self, packages: &[PathBuf]) {
        let mut arguments = vec!["-i", "--nodeps", "--noscripts", "--force"];
        let names: Vec<&str> = packages.iter().map(|path| path.to_str().unwrap()).collect();
        arguments.extend(names);
        let ran = self.rpm(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    pub fn agent(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airlock-agent"));
        command
            .args(["verify", "--root"])
            .arg(self.root())
            .args(arguments);
        command.env("HOME", "/root");
        command.output().expect("the agent runs").into()
    }

    /// Both programs say the same, line for line. Gives the lines.
    #[track_caller]
    pub fn same(&self, ours: &[&str], theirs: &[&str]) -> Vec<String> {
        let mut arguments = vec!["--rpm-format"];
        arguments.extend(ours);
        let ours = self.agent(&arguments);
        let theirs = self.rpm(theirs);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (found, expected) = (lines(&ours.stdout), lines(&theirs.stdout));
        assert_eq!(
            found, expected,
            "\nours: {}\nrpm: {}",
            ours.stderr, theirs.stderr
        );
        // rpm counts in its status.
        assert_eq!(
            ours.code,
            theirs.code.min(1),
            "\nours: {}\nrpm: {}",
            ours.stderr,
            theirs.stderr
        );
        found
    }
}

/// The packages of `packages.spec`, built once.
pub fn packages() -> &'static [PathBuf] {
    static BUILT: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let (_, packages) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let built = rpmbuild(include_str!("packages.spec"), folder.path());
        (folder, built.binaries)
    });
    packages
}

/// Those whose file names begin so.
pub fn some(names: &[&str]) -> Vec<PathBuf> {
    let chosen: Vec<PathBuf> = packages()
        .iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            names.iter().any(|wanted| name.starts_with(wanted))
        })
        .cloned()
        .collect();
    assert!(chosen.len() >= names.len(), "{names:?} of {:?}", packages());
    chosen
}

/// Signed packages and the key that signed them.
pub struct Signed {
    pub packages: Vec<PathBuf>,
    pub public_key: PathBuf,
    pub key_id: String,
    _folder: tempfile::TempDir,
}

/// Two packages, signed with an RSA key made for it.
pub fn signed() -> Signed {
    let folder = tempfile::tempdir().unwrap();
    let key = airlock_testkit::keys::SigningKey::rsa("signer");
    let mut packages = Vec::new();
    for name in ["signed-one", "signed-two"] {
        let spec = airlock_testkit::rpmbuild::small_spec(name, "1", "1", "");
        packages.extend(rpmbuild(&spec, folder.path()).binaries);
    }
    packages.sort();
    packages.dedup();
    key.sign_rpms(&packages);
    let public_key = folder.path().join("KEY");
    std::fs::write(&public_key, key.public_key()).unwrap();
    let fingerprint = key.fingerprint().to_ascii_lowercase();
    Signed {
        packages,
        public_key,
        key_id: fingerprint[fingerprint.len() - 16..].to_owned(),
        _folder: folder,
    }
}
