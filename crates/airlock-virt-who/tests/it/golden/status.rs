//! `fake/status.json` and `status.txt`: what `status` says after the run that `run_data.json` tells of.

use std::sync::Arc;

use airlock_model::SystemClock;
use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
use airlock_virt_who::engine::{Real, Shared};
use airlock_virt_who::state::State;
use airlock_virt_who::status;
use serde_json::{Value, json};

use super::{Folder, Outcome, say};
use crate::server::{Asked, Authority, Reply, Server};

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let files = [
        folder.json("fake/status.json"),
        folder.json("fake/run_data.json"),
    ];
    let [Some(expected), Some(before)] = files else {
        say("skipped: there is no fake/status.json with its run_data.json");
        return Vec::new();
    };
    let text = std::fs::read_to_string(folder.path.join("fake/status.txt")).unwrap_or_default();
    let found = ask(folder, &before).await;
    let mut outcomes = Vec::new();
    for (name, expected, found) in [
        ("fake/status json", expected, json!(found)),
        (
            "fake/status text",
            json!(text.trim_end()),
            json!(found.text(true, false).trim_end()),
        ),
    ] {
        let expected = folder.deviations.apply(name, expected);
        let result = if expected == found {
            Ok(())
        } else {
            Err(format!("expected {expected}, found {found}"))
        };
        outcomes.push(Outcome {
            name: name.to_owned(),
            result,
        });
    }
    outcomes
}

async fn ask(folder: &Folder, before: &Value) -> status::Status {
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let server = Server::run(
        listener,
        Some(Arc::clone(&authority.config)),
        |asked: &Asked| {
            let body = if asked.path.contains("/jobs/") {
                "{\"id\": \"x\", \"state\": \"FINISHED\", \"resultData\": {}}"
            } else if asked.path.ends_with("/heartbeat") {
                "{\"id\": \"y\", \"state\": \"FINISHED\"}"
            } else {
                "{\"result\": true, \"version\": \"4.4.1\", \"managerCapabilities\": [\"hypervisors_async\", \"hypervisors_heartbeat\"]}"
            };
            Reply::new(200, "application/json", body)
        },
    );
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
