//! Section "mapping": a section file, a replayed source, and what is printed.

use std::path::Path;
use std::sync::Arc;

use airlock_virt_who::backend::gather;
use airlock_virt_who::config::{self, CommandLine, Paths, Source};
use airlock_virt_who::model::Report;
use airlock_virt_who::model::json::{Form, Printed};
use serde_json::{Value, json};

use super::exchange::Exchange;
use super::{Folder, Outcome, equal, read_json, say};
use crate::server::Authority;

/// Folders and how their cases are served.
const KINDS: &[&str] = &[
    "esx", "libvirt", "hyperv", "ahv", "kubevirt", "rhevm", "xen",
];

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for kind in KINDS {
        let Some(inside) = folder.inside(kind) else {
            continue;
        };
        for case in cases(&inside) {
            let name = format!("{kind}/{case}");
            let result = async {
                let expected = read_json(&inside.join(format!("{case}-mapping.json")));
                let expected = folder.deviations.apply(&name, expected.unwrap());
                let (found, remark) = run(kind, &inside, &case).await?;
                equal::compare(expected, found)
                    .map_err(|difference| format!("{difference} {remark}"))
            };
            outcomes.push(super::case(name.clone(), result).await);
        }
    }
    outcomes
}

/// The cases of a folder: every mapping is one.
fn cases(folder: &Path) -> Vec<String> {
    let mut cases: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().ok()?;
            name.strip_suffix("-mapping.json").map(str::to_owned)
        })
        .collect();
    cases.sort();
    cases
}

/// Runs a case and gives what is printed, with a remark for the case that it differs.
async fn run(kind: &str, folder: &Path, case: &str) -> Result<(Value, String), String> {
    let scratch = tempfile::tempdir().unwrap();
    let exchange = Exchange::of(folder, case);
    let authority = (kind == "ahv").then(Authority::new);
    let replay = match &exchange {
        Some(exchange) => Some(
            exchange
                .replay(authority.as_ref().map(|found| Arc::clone(&found.config)))
                .await,
        ),
        None => None,
    };
    let port = replay.as_ref().map_or(0, |replay| replay.server.port);
    let source = match source(kind, folder, case, scratch.path(), port, exchange.as_ref()) {
        Ok(source) => source,
        Err(reason) => return Ok((json!({"hypervisors": []}), reason)),
    };
    let mut settings = source.settings.clone();
    if let Some(authority) = &authority {
        // The product's port is fixed; the replay's is not.
        let ca = scratch.path().join("ca.pem");
        std::fs::write(&ca, &authority.pem).unwrap();
        settings.ca = Some(ca);
        settings.server = format!("https://127.0.0.1:{port}");
    }
    if kind == "libvirt" {
        let expected = read_json(&folder.join(format!("{case}-mapping.json"))).unwrap_or_default();
        let name = expected["hypervisors"][0]["name"]
            .as_str()
            .unwrap_or("libvirt-test-host");
        crate::libvirt::replace_machine(&mut settings, folder, name, scratch.path());
    }
    let kind = source.kind().ok_or("no such kind")?;
    let mut remark = String::new();
    let report = match kind.open(settings) {
        Err(error) => Err(error),
        Ok(mut backend) => {
            let read = match backend.connect().await {
                Ok(()) => gather(&mut *backend).await,
                Err(error) => Err(error),
            };
            backend.close().await;
            read
        }
    };
    let report = match report {
        Ok((Report::Hosts(mut hosts), notes)) => {
            hosts.retain(|host| source.filter.verdict(host).keeps());
            remark = format!("({notes:?})");
            Report::Hosts(hosts)
        }
        Ok((local, _)) => local,
        Err(error) => {
            remark = format!("({error})");
            Report::Hosts(Vec::new())
        }
    };
    if let Some(replay) = replay {
        for request in replay.unknown() {
            say(&format!(
                "{}: nothing is recorded for {request}",
                folder.join(case).display()
            ));
        }
    }
    let found = serde_json::to_value(Printed(&[report], Form::New)).unwrap();
    Ok((found, remark))
}

/// The case's section as the program's own configuration reads it.
fn source(
    kind: &str,
    folder: &Path,
    case: &str,
    scratch: &Path,
    port: u16,
    exchange: Option<&Exchange>,
) -> Result<Source, String> {
    let own = folder.join(format!("{case}.conf"));
    let file = if own.is_file() {
        own
    } else {
        folder.join("uuid.conf")
    };
    let text =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    // Paths that a configuration names are looked for below its root.
    let inside = scratch.join(scratch.strip_prefix("/").unwrap());
    std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(scratch, &inside).unwrap();
    let base = scratch.to_str().unwrap();
    let fill = |text: &str| {
        text.replace("@PORT@", &port.to_string())
            .replace("@BASE@", base)
    };
    if kind == "kubevirt" && !folder.join("kubeconfig").exists() {
        let token = exchange
            .and_then(|exchange| exchange.request_header("authorization"))
            .unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or("t").to_owned();
        std::fs::write(scratch.join("kubeconfig"), kubeconfig(port, &token)).unwrap();
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".json") && !name.ends_with(".conf") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            std::fs::write(scratch.join(name), fill(&text)).unwrap();
        }
    }
    let drop_folder = scratch.join("etc/virt-who.d");
    std::fs::create_dir_all(&drop_folder).unwrap();
    std::fs::write(drop_folder.join("case.conf"), fill(&text)).unwrap();
    let read = config::load(
        &Paths::below(scratch),
        &CommandLine::default(),
        &config::Environment::new(),
    );
    let dropped: Vec<_> = read
        .dropped
        .iter()
        .map(|dropped| format!("{:?}", dropped.told))
        .collect();
    read.sources
        .into_iter()
        .next()
        .ok_or_else(|| format!("(the section is dropped: {dropped:?})"))
}

fn kubeconfig(port: u16, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster:\n    server: http://127.0.0.1:{port}\n\
         contexts:\n- name: c\n  context:\n    cluster: k\n    user: u\nusers:\n- name: u\n  user:\n    token: {token}\n"
    )
}
