//! Planted secrets are in no log, list, file of the data folder (hashes apart) or problem document.

use std::process::Command;

use airlock_testkit::process::{Start, airlock_binary};
use airlock_testkit::programs::run;

const PASSWORD: &str = "planted-admin-password-1";
const UPSTREAM: &str = "planted-upstream-password-2";
const URL_TOKEN: &str = "planted_url_token_3";
const PROXY: &str = "planted-proxy-password-4";

#[test]
fn secrets_are_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (proxy, password, upstream, token) = (
        place("x", PROXY),
        place("p", PASSWORD),
        place("u", UPSTREAM),
        place("t", URL_TOKEN),
    );
    let server = Start::new(folder.path().join("data"))
        .variable("AIRLOCK_ADMIN_PASSWORD", PASSWORD)
        .variable("AIRLOCK_LOG", "trace")
        .start();
    let over_network = |words: &[&str]| {
        run(Command::new(airlock_binary())
            .args(words)
            .env_remove("AIRLOCK_DATA")
            .env("AIRLOCK_SERVER", server.url())
            .env("XDG_CONFIG_HOME", folder.path()))
    };
    let login = over_network(&["login", "--password-file", &password]).expect_success();
    let wrong = over_network(&["login", "--password-file", &upstream]);
    assert_eq!(wrong.code, 1);
    let kept = std::fs::read_to_string(folder.path().join("airlock/credentials.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let session = kept["tokens"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    let create = [
        "channel",
        "create",
        "el9-base",
        "--upstream",
        "http://127.0.0.1:9/repo",
        "--username",
        "u",
        "--password-file",
        &upstream,
        "--url-token-file",
        &token,
        "--proxy",
        "http://puser@127.0.0.1:9",
        "--proxy-password-file",
        &proxy,
    ];
    let _ = over_network(&create).expect_success();
    let sync = over_network(&["channel", "sync", "el9-base", "--no-wait"]).expect_success();
    let id = sync.stdout.trim().to_owned();
    let _ = over_network(&["task", "cancel", &id]);
    let mut shown = login.text() + &wrong.text();
    for words in [
        &["channel", "show", "el9-base"][..],
        &["channel", "show", "el9-base", "--json"],
        &["channel", "list", "--json"],
        &["task", "show", &id, "--json"],
        &["audit", "--json"],
        &["token", "list", "--json"],
        &["user", "list", "--json"],
    ] {
        shown += &over_network(words).expect_success().text();
    }
    shown += &server.log();
    for secret in [PASSWORD, UPSTREAM, URL_TOKEN, PROXY, &session] {
        let at = shown
            .find(secret)
            .map(|at| &shown[at.saturating_sub(200)..(at + 40).min(shown.len())]);
        assert_eq!(at, None, "{secret} was shown");
    }
    server.stop();
}
