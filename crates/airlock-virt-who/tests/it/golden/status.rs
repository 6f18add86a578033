//! `fake/status*.json` and `.txt`: what `status` says after the run that `run_data.json` tells of, and when logins and
//! connections fail.

use std::sync::Arc;

use airlock_model::SystemClock;
use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
use airlock_virt_who::engine::{Real, Shared};
use airlock_virt_who::state::State;
use airlock_virt_who::status;
use serde_json::{Value, json};

use super::exchange::Exchange;
use super::{Folder, Outcome, say};
use crate::server::{Asked, Authority, Reply, Server};

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    well(folder, &mut outcomes).await;
    ill(folder, &mut outcomes).await;
    outcomes
}

async fn well(folder: &Folder, outcomes: &mut Vec<Outcome>) {
    let files = ["fake/status.json", "fake/run_data.json", "fake/source.json"];
    if let Some(absent) = files.iter().find(|file| !folder.path.join(file).is_file()) {
        say(&format!("skipped: fake/status: there is no {absent}"));
        return;
    }
    let text = std::fs::read_to_string(folder.path.join("fake/status.txt")).unwrap_or_default();
    let mut found = None;
    let asked = super::case("fake/status".to_owned(), async {
        found = Some(ask(folder, &folder.json("fake/run_data.json").unwrap()).await);
        Ok(())
    })
    .await;
    let Some(found) = found else {
        outcomes.push(asked);
        return;
    };
    for (name, expected, found) in [
        (
            "fake/status json",
            folder.json("fake/status.json"),
            json!(found),
        ),
        (
            "fake/status text",
            Some(json!(text.trim_end())),
            json!(found.text(true, false).trim_end()),
        ),
    ] {
        outcomes.push(judged(folder, name, expected.unwrap(), &found));
    }
}

fn judged(folder: &Folder, name: &str, expected: Value, found: &Value) -> Outcome {
    let expected = folder.deviations.apply(name, expected);
    let result = if expected == *found {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {found}"))
    };
    Outcome {
        name: name.to_owned(),
        result,
    }
}

/// `fake/status-failures.json` and `.txt`: sources whose login is refused, and destinations where nobody listens.
async fn ill(folder: &Folder, outcomes: &mut Vec<Outcome>) {
    let files = [
        "fake/status-failures.json",
        "esx/bad-login-exchange.json",
        "esx/uuid-exchange.json",
    ];
    if let Some(absent) = files.iter().find(|file| !folder.path.join(file).is_file()) {
        say(&format!(
            "skipped: fake/status-failures: there is no {absent}"
        ));
        return;
    }
    let text = std::fs::read_to_string(folder.path.join("fake/status-failures.txt"));
    let mut found = None;
    let asked = super::case("fake/status-failures".to_owned(), async {
        let expected = folder.json("fake/status-failures.json").unwrap();
        found = Some((failures(folder, &expected).await, expected));
        Ok(())
    })
    .await;
    let Some(((status, ports), expected)) = found else {
        outcomes.push(asked);
        return;
    };
    let mut shown = json!(status).to_string();
    for port in ports {
        shown = shown.replace(&format!(":{port}"), ":@PORT@");
    }
    let found: Value = serde_json::from_str(&shown).unwrap();
    let name = "fake/status-failures json";
    let mut expected = folder.deviations.apply(name, expected);
    own_words(name, &mut expected, &found);
    outcomes.push(judged(folder, name, expected, &found));
    if let Ok(text) = text {
        let found = json!(status.text(true, false).trim_end());
        let name = "fake/status-failures text";
        outcomes.push(judged(folder, name, json!(text.trim_end()), &found));
    }
}

/// The texts of failures are each program's own: where both tell one, in the form of a sentence, that is a deliberate
/// difference. Whether there is one has to be the same.
fn own_words(name: &str, expected: &mut Value, found: &Value) {
    let list = expected["configurations"].as_array_mut().unwrap();
    for (number, of) in list.iter_mut().enumerate() {
        for side in ["source", "destination"] {
            let ours = &found["configurations"][number][side]["message"];
            let Some(theirs) = of[side].get_mut("message") else {
                continue;
            };
            let sentence = |text: &Value| text.as_str().is_some_and(|text| text.ends_with('.'));
            if theirs != ours && sentence(theirs) && sentence(ours) {
                say(&format!(
                    "deliberate difference: {name}, configurations[{number}].{side}.message: it says what to do next: {ours}"
                ));
                *theirs = ours.clone();
            }
        }
    }
}

async fn failures(folder: &Folder, expected: &Value) -> (status::Status, Vec<u16>) {
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let _candlepin = Server::run(listener, Some(Arc::clone(&authority.config)), candlepin);
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::write(root.join("ca.pem"), &authority.pem).unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    let mut replays = Vec::new();
    for of in expected["configurations"].as_array().unwrap() {
        let failed = |side: &str| of[side]["status"] == "failure";
        let case = if failed("source") {
            "bad-login"
        } else {
            "uuid"
        };
        let exchange = Exchange::of(&folder.path.join("esx"), case).unwrap();
        let replay = exchange.replay(None).await;
        let to = if failed("destination") {
            // Nobody listens there any more.
            Server::bind().await.1
        } else {
            port
        };
        let name = of["name"].as_str().unwrap();
        let section = format!(
            "[{name}]\ntype=esx\nserver={}\nusername=u\npassword=p\nowner=acme\nrhsm_hostname=127.0.0.1\nrhsm_port={to}\nrhsm_prefix=/candlepin\nrhsm_username=u\nrhsm_password=p\nrhsm_ca=/ca.pem\n",
            replay.server.url()
        );
        std::fs::write(root.join(format!("etc/virt-who.d/{name}.conf")), section).unwrap();
        replays.push(replay);
    }
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let state = root.join("state");
    let shared = Shared::new(
        State::new(&state),
        Arc::new(SystemClock),
        Arc::new(Real { state }),
    );
    let found = status::ask(&configuration, &shared).await;
    assert!(!found.good());
    let ports = replays.iter().map(|replay| replay.server.port).collect();
    (found, ports)
}

fn candlepin(asked: &Asked) -> Reply {
    let body = if asked.path.contains("/jobs/") {
        "{\"id\": \"x\", \"state\": \"FINISHED\", \"resultData\": {}}"
    } else if asked.path.ends_with("/heartbeat") {
        "{\"id\": \"y\", \"state\": \"FINISHED\"}"
    } else {
        "{\"result\": true, \"version\": \"4.4.1\", \"managerCapabilities\": [\"hypervisors_async\", \"hypervisors_heartbeat\"]}"
    };
    Reply::new(200, "application/json", body)
}

async fn ask(folder: &Folder, before: &Value) -> status::Status {
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let server = Server::run(listener, Some(Arc::clone(&authority.config)), candlepin);
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::write(root.join("ca.pem"), &authority.pem).unwrap();
    std::fs::copy(
        folder.path.join("fake/source.json"),
        root.join("source.json"),
    )
    .unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    let names: Vec<&String> = before["sources"].as_object().unwrap().keys().collect();
    for name in &names {
        let section = format!(
            "[{name}]\ntype=fake\nfile=/source.json\nis_hypervisor=true\nowner=acme\nrhsm_hostname=127.0.0.1\nrhsm_port={port}\nrhsm_prefix=/candlepin\nrhsm_username=u\nrhsm_password=p\nrhsm_ca=/ca.pem\n"
        );
        std::fs::write(root.join(format!("etc/virt-who.d/{name}.conf")), section).unwrap();
    }
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let state = State::new(root.join("state"));
    for source in &configuration.sources {
        let (read, sent) = (
            &before["sources"][&source.name],
            &before["destinations"][&source.name],
        );
        let mut reads = state.reads(&source.name);
        reads.read_at = micros(&read["last_successful_retrieve"]);
        reads.hosts = read["hypervisors"].as_u64().unwrap();
        reads.guests = read["guests"].as_u64().unwrap();
        state.save_reads(&reads).unwrap();
        let mut report = state.report(
            &source.destinations[0].identity(),
            &source.name,
            source.kind,
        );
        report.sent_at = micros(&sent["last_successful_send"]);
        report.job = sent["last_job_id"].as_str().map(str::to_owned);
        state.save_report(&report).unwrap();
    }
    let folder = root.join("state");
    let shared = Shared::new(
        state,
        Arc::new(SystemClock),
        Arc::new(Real { state: folder }),
    );
    let found = status::ask(&configuration, &shared).await;
    assert!(found.good());
    drop(server);
    found
}

/// `2026-11-20 08:06:43 UTC` in microseconds since 1970.
fn micros(text: &Value) -> Option<i64> {
    let text = text.as_str()?.trim_end_matches(" UTC").replace(' ', "T");
    let at: jiff::Timestamp = format!("{text}Z").parse().ok()?;
    Some(at.as_microsecond())
}
