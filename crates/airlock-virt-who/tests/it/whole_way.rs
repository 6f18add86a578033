//! From an old configuration over a vCenter to `airlock hypervisor list`: all programs as their users run them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use airlock_testkit::process::{Server, Start, airlock_binary};
use serde_json::Value;

use crate::vcsim::Center;

/// Runs `airlock` beside the server.
fn airlock(server: &Server, words: &[&str]) -> String {
    let done = Command::new(airlock_binary())
        .args(words)
        .env("AIRLOCK_DATA", server.data())
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn json(server: &Server, words: &[&str]) -> Value {
    serde_json::from_str(&airlock(server, &[words, &["--json"]].concat())).unwrap()
}

fn report_once(root: &Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_airlock-virt-who"))
        .env_clear()
        .arg("--root")
        .arg(root)
        .arg("-o")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn private(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_a_vcenter_has_is_listed_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::new(folder.path().join("data")).start();
    let mut center = Center::start();
    let root = folder.path().join("root");
    let token = airlock(
        &server,
        &["token", "create", "gate1", "--scope", "hypervisors:write"],
    );
    private(&root.join("etc/airlock-token"), &token);
    let section = format!(
        "[vc]\ntype=esx\nserver={}\nusername=DOMAIN\\admin\npassword=p<&>w\nenv=Library\nhypervisor_id=uuid\n\
         airlock_server={}\nairlock_token_file=/etc/airlock-token\n",
        center.url,
        server.url()
    );
    private(&root.join("etc/virt-who.d/vc.conf"), &section);
    report_once(&root);
    let hosts = json(&server, &["hypervisor", "list"]);
    let hosts = hosts.as_array().unwrap();
    assert_eq!(hosts.len(), 4);
    let sum = |field: &str| {
        hosts
            .iter()
            .map(|h| h[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("guests"), sum("running"), sum("sockets")), (4, 4, 8));
    let clusters = json(&server, &["hypervisor", "list", "--by", "cluster"]);
    assert_eq!(clusters.as_array().unwrap().len(), 2);
    // Four hosts of one name are named before they do harm.
    let number = hosts[0]["id"].to_string();
    let shown = json(&server, &["hypervisor", "show", &number]);
    assert_eq!(shown["doubles"].as_array().unwrap().len(), 3);
    // A machine is switched off: the difference comes, and nothing moved.
    let before = airlock(&server, &["hypervisor", "history", "--json"]);
    center.tell("off DC0_H0_VM0");
    report_once(&root);
    let after = json(&server, &["hypervisor", "list"]);
    let running: u64 = after
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h["running"].as_u64().unwrap())
        .sum();
    assert_eq!(running, 3);
    assert_eq!(
        airlock(&server, &["hypervisor", "history", "--json"]),
        before
    );
    center.tell("move DC0_H0_VM1 DC0_C0_H0");
    report_once(&root);
    let history = json(&server, &["hypervisor", "history", "--limit", "1"]);
    assert_eq!(history[0]["kind"], "guest-moved", "{history}");
}
