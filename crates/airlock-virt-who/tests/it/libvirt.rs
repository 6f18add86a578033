//! libvirt through the real `virsh`: its test driver, a node file, and a daemon that serves the test driver.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use airlock_virt_who::backend::{Backend, Error, Watched, gather, kind};
use airlock_virt_who::model::{IdKind, Report, State};
use airlock_virt_who::settings::Settings;

/// The golden cases were made with another answer to `capabilities` and another host name: a program in the place of
/// virsh asks the real one and puts these in. Without a server it is the test driver's own machine.
pub fn replace_machine(settings: &mut Settings, folder: &Path, name: &str, scratch: &Path) {
    let program = scratch.join("virsh");
    let text = format!(
        r#"#!/usr/bin/env python3
import os, re, subprocess, sys
os.environ["LIBVIRT_DEFAULT_URI"] = "test:///default"
capabilities = "{}/capabilities.xml"
done = subprocess.run(["virsh", *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
text = done.stdout
mark = re.match("@@[0-9a-f]{{16}}@@", text)
if mark:
    parts = text.split(mark[0])
    for at in range(1, len(parts), 2):
        if parts[at] == "capabilities" and os.path.exists(capabilities):
            parts[at + 1] = open(capabilities).read()
        elif parts[at] == "hostname":
            parts[at + 1] = "{name}"
    text = mark[0].join(parts)
sys.stdout.write(text)
sys.exit(done.returncode)
"#,
        folder.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    settings
        .options
        .insert("virsh".to_owned(), program.display().to_string());
}

fn opened(server: &str) -> Box<dyn Backend> {
    let kind = kind("libvirt").unwrap();
    let mut settings = Settings::new("lv", server);
    // The test driver's host has no uuid.
    settings.hypervisor_id = IdKind::Hostname;
    kind.complete(&mut settings);
    kind.open(settings).unwrap()
}

#[tokio::test]
async fn the_test_driver_is_read_through_the_real_virsh() {
    let mut backend = opened("test:///default");
    backend.connect().await.unwrap();
    let (Report::Hosts(hosts), notes) = gather(&mut *backend).await.unwrap() else {
        panic!("no hosts");
    };
    assert_eq!(notes, []);
    let [host] = &hosts[..] else {
        panic!("{hosts:?}");
    };
    assert_eq!(host.facts["hypervisor.type"], "TEST");
    assert_eq!(host.facts["hypervisor.version"], 2);
    let [guest] = &host.guests[..] else {
        panic!("{host:?}");
    };
    assert_eq!(&*guest.id, "6695eb01-f6a4-8304-79aa-97f2502e193f");
    assert_eq!(guest.state, State::Running);
}

#[tokio::test]
async fn a_host_without_uuid_is_left_out_and_named() {
    let kind = kind("libvirt").unwrap();
    let mut settings = Settings::new("lv", "test:///default");
    kind.complete(&mut settings);
    let mut backend = kind.open(settings).unwrap();
    let (Report::Hosts(hosts), notes) = gather(&mut *backend).await.unwrap() else {
        panic!("no hosts");
    };
    assert_eq!(hosts, []);
    assert!(
        notes[0].to_string().contains("hypervisor_id=hostname"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_node_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("node.xml");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/virt-who/libvirt/node.xml");
    std::fs::copy(data, &node).unwrap();
    let mut backend = opened(&format!("test://{}", node.display()));
    let (Report::Hosts(hosts), _) = gather(&mut *backend).await.unwrap() else {
        panic!("no hosts");
    };
    assert_eq!(hosts[0].guests.len(), 2);
}

#[tokio::test]
async fn an_address_without_libvirt_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("none");
    let mut backend = opened(&format!("qemu+unix:///system?socket={}", socket.display()));
    let error = backend.connect().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let mut backend = opened("test:///nowhere/node.xml");
    assert!(backend.connect().await.is_err());
}

/// libvirtd with a folder of its own, as a user without rights; ends when it is dropped.
struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("run")).unwrap();
        let mut command = if rustix::process::geteuid().is_root() {
            // As root it wants the distribution's users for QEMU.
            for path in [folder.path().to_owned(), at("run")] {
                rustix::fs::chown(&path, Some(rustix::process::Uid::from_raw(65534)), None)
                    .unwrap();
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--clear-groups", "libvirtd"]);
            command
        } else {
            Command::new("libvirtd")
        };
        let child = command
            .arg("-p")
            .arg(at("pid"))
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", at("run"))
            .env("XDG_CONFIG_HOME", at("config"))
            .env("XDG_CACHE_HOME", at("cache"))
            .stderr(Stdio::null())
            .spawn()
            .expect("libvirtd is missing; scripts/install tests installs it");
        let daemon = Self { child, folder };
        for _ in 0..300 {
            if daemon.virsh(&["list"]).status.success() {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("libvirtd does not answer");
    }

    fn uri(&self) -> String {
        let socket = self.folder.path().join("run/libvirt/libvirt-sock");
        format!("test+unix:///default?socket={}", socket.display())
    }

    fn virsh(&self, words: &[&str]) -> std::process::Output {
        Command::new("virsh")
            .args(["-q", "-c", &self.uri()])
            .args(words)
            .output()
            .unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_daemon_is_heard() {
    let daemon = tokio::task::spawn_blocking(Daemon::start).await.unwrap();
    let mut backend = opened(&daemon.uri());
    backend.connect().await.unwrap();
    // The first watch begins to listen, and asks for one more read.
    assert_eq!(
        backend.watch(Duration::from_secs(60)).await.unwrap(),
        Watched::Changed
    );
    let states = |report: Report| match report {
        Report::Hosts(hosts) => hosts[0]
            .guests
            .iter()
            .map(|guest| guest.state)
            .collect::<Vec<_>>(),
        Report::Local(_) => Vec::new(),
    };
    let (report, _) = gather(&mut *backend).await.unwrap();
    assert_eq!(states(report), [State::Running]);
    // Whether the listener was there already when the guest stopped is no matter of time: it is stopped and started
    // until something is heard.
    let mut heard = false;
    for _ in 0..60 {
        assert!(daemon.virsh(&["destroy", "test"]).status.success());
        if backend.watch(Duration::from_secs(1)).await.unwrap() == Watched::Changed {
            heard = true;
            break;
        }
        assert!(daemon.virsh(&["start", "test"]).status.success());
    }
    assert!(heard);
    let (report, _) = gather(&mut *backend).await.unwrap();
    assert_eq!(states(report), [State::ShutOff]);
    backend.close().await;
}
