//! libvirt with a program in the place of `virsh` that fails as libvirt fails: each fault by its name, and never a smaller
//! report.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use airlock_virt_who::backend::{Error, Note, Result, gather, kind};
use airlock_virt_who::model::duplicates::{Duplicates, Finding};
use airlock_virt_who::model::{Hypervisor, Report};
use airlock_virt_who::settings::Settings;

const ONE: &str = "6695eb01-f6a4-8304-79aa-97f2502e193f";
const TWO: &str = "7795eb01-f6a4-8304-79aa-97f2502e193f";

/// A virsh that answers every command as this Python says: `answer(command)` gives what is printed; `complain(text)` writes to
/// the error channel.
fn virsh(folder: &Path, python: &str) -> Settings {
    let program = folder.join("virsh");
    let text = format!(
        r#"#!/usr/bin/env python3
import sys, time
def complain(text):
    sys.stderr.write(text + "\n")
def fail(text):
    complain("error: failed to connect to the hypervisor")
    complain("error: " + text)
    sys.exit(1)
def well(command):
    if command == "capabilities":
        return "<capabilities><host><uuid>4c4c4544-0042-3510-8052-b3c04f4d4e32</uuid></host></capabilities>"
    if command.startswith("list"):
        return "{ONE}\n{TWO}\n"
    return {{"hostname": "kvm1", "version": "Using API: QEMU 9.0.0"}}.get(command, "running")
{python}
for command in sys.argv[-1].split("; "):
    if command.startswith("echo "):
        sys.stdout.write(command[5:])
    else:
        sys.stdout.write(answer(command))
    sys.stdout.flush()
"#
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = Settings::new("lv", "qemu+tls://kvm1/system");
    settings.timeout = Duration::from_secs(20);
    settings
        .options
        .insert("virsh".to_owned(), program.display().to_string());
    settings
}

async fn read(python: &str) -> Result<(Hypervisor, Vec<Note>)> {
    read_within(python, Duration::from_secs(20)).await
}

async fn read_within(python: &str, timeout: Duration) -> Result<(Hypervisor, Vec<Note>)> {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = virsh(folder.path(), python);
    settings.timeout = timeout;
    let mut backend = kind("libvirt").unwrap().open(settings)?;
    backend.connect().await?;
    match gather(&mut *backend).await? {
        (Report::Hosts(mut hosts), notes) => Ok((hosts.remove(0), notes)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_healthy_libvirt_is_read() {
    let (host, notes) = read("answer = well").await.unwrap();
    assert_eq!(host.guests.len(), 2);
    assert_eq!(notes, []);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_a_certificate_is_tls() {
    let refused = "answer = lambda command: fail('authentication failed: authentication failed')";
    let error = read(refused).await.unwrap_err();
    assert!(error.refused(), "{error}");
    let tls = "answer = lambda command: fail('The server certificate failed validation: it is not trusted')";
    let error = read(tls).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[tokio::test]
async fn a_libvirt_that_hangs_is_a_time_out() {
    let hangs = "answer = lambda command: time.sleep(60)";
    let error = read_within(hangs, Duration::from_millis(700))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_ends_early_gives_no_report() {
    // Between two commands, and within one.
    let between =
        "answer = lambda command: sys.exit(1) if command == 'hostname' else well(command)";
    let error = read(between).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("without a word"), "{error}");
    let within = "answer = lambda command: well(command)[:30]";
    let error = read(within).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_list_that_fails_is_no_empty_list() {
    let fails = "
def answer(command):
    if command.startswith('list'):
        complain('error: Failed to list domains')
        complain('error: client socket is closed')
        return ''
    return well(command)";
    let error = read(fails).await.unwrap_err();
    assert!(error.to_string().contains("socket is closed"), "{error}");
    let nothing = "answer = lambda command: '' if command.startswith('list') else well(command)";
    let (host, notes) = read(nothing).await.unwrap();
    assert_eq!((host.guests.len(), notes.len()), (0, 0));
}

#[tokio::test]
async fn a_guest_that_vanishes_is_left_out_and_a_lost_connection_is_an_error() {
    let gone = format!(
        "
def answer(command):
    if command == 'domstate {TWO}':
        complain('error: failed to get domain')
        complain('error: Domain not found: no domain with matching uuid')
        return ''
    return well(command)"
    );
    let (host, notes) = read(&gone).await.unwrap();
    assert_eq!(host.guests.len(), 1);
    assert!(notes[0].to_string().contains(TWO), "{notes:?}");
    let lost = gone.replace(
        "'error: Domain not found: no domain with matching uuid'",
        "'error: Cannot recv data: Connection reset by peer'",
    );
    let error = read(&lost).await.unwrap_err();
    assert!(error.to_string().contains("Connection reset"), "{error}");
}

#[tokio::test]
async fn duplicate_uuids_are_named() {
    let twice = format!(
        "answer = lambda command: '{ONE}\\n{ONE}\\n' if command.startswith('list') else well(command)"
    );
    let (host, _) = read(&twice).await.unwrap();
    let mut seen = Duplicates::new();
    seen.add(&host);
    assert!(
        matches!(seen.findings()[..], [Finding::Guest { .. }]),
        "{:?}",
        seen.findings()
    );
}
