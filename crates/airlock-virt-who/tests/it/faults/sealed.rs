//! NTLM with sealed messages against an acceptor that is not ours: Python's spnego (`pyspnego`).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use airlock_virt_who::backend::{Error, Result};
use airlock_virt_who::model::Report;
use airlock_virt_who::secret::Secret;

use super::{read, settings};

struct Acceptor {
    child: Child,
    url: String,
}

impl Acceptor {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
        let python = target.join("peers/bin/python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/winrm/server.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; run scripts/install tests", python.display())
            });
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    async fn read(&self, user: &str, password: &str) -> Result<Report> {
        let scratch = tempfile::tempdir().unwrap();
        let mut settings = settings("hyperv", &self.url, scratch.path());
        settings.username = Some(user.to_owned());
        settings.password = Some(Secret::new(password));
        read(settings).await
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn messages_are_sealed_over_plain_http() {
    let acceptor = tokio::task::spawn_blocking(Acceptor::start).await.unwrap();
    let report = acceptor.read("LAB\\reader", "Pässword1").await.unwrap();
    let Report::Hosts(hosts) = report else {
        panic!("{report:?}");
    };
    assert_eq!(hosts[0].guests.len(), 2);
    assert_eq!(hosts[0].name.as_deref(), Some("hv1"));
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_acceptor() {
    let acceptor = tokio::task::spawn_blocking(Acceptor::start).await.unwrap();
    let error = acceptor.read("LAB\\reader", "wrong").await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
}
