//! Section "esx daemon": a first set, then a set of changes; `*-checkins.json` are the bodies that were sent.

use airlock_virt_who::backend::{Watched, gather, kind};
use airlock_virt_who::model::json::{Form, Printed};
use airlock_virt_who::model::{Hypervisor, Report};
use airlock_virt_who::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

use super::exchange::Exchange;
use super::{Folder, Outcome, equal, read_json};

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let Some(inside) = folder.inside("esx") else {
        return Vec::new();
    };
    let mut outcomes = Vec::new();
    for entry in std::fs::read_dir(&inside).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(case) = name.strip_suffix("-checkins.json") else {
            continue;
        };
        let name = format!("esx/{case}");
        let result = async {
            let expected = read_json(&inside.join(format!("{case}-checkins.json"))).unwrap();
            let expected = folder.deviations.apply(&name, expected);
            let exchange = Exchange::of(&inside, case).ok_or("there is no exchange")?;
            run(&exchange, expected.as_array().unwrap()).await
        };
        outcomes.push(super::case(name.clone(), result).await);
    }
    outcomes
}

async fn run(exchange: &Exchange, expected: &[Value]) -> Result<(), String> {
    let replay = exchange.replay(None).await;
    let mut settings = Settings::new("vc", replay.server.url());
    settings.username = Some("u".to_owned());
    let mut backend = kind("esx").unwrap().open(settings).unwrap();
    backend.connect().await.map_err(|error| error.to_string())?;
    let (report, _) = gather(&mut *backend)
        .await
        .map_err(|error| error.to_string())?;
    let Report::Hosts(mut hosts) = report else {
        return Err("no hosts".to_owned());
    };
    for (number, body) in expected.iter().enumerate() {
        if number > 0 {
            match backend.watch(Duration::from_secs(1)).await {
                Ok(Watched::Changes(changes)) => {
                    hosts.retain(|host| {
                        !changes.removed.contains(&host.id)
                            && !changes.changed.iter().any(|new| new.id == host.id)
                    });
                    hosts.extend(changes.changed);
                }
                other => return Err(format!("no changes: {other:?}")),
            }
        }
        equal::compare(body.clone(), check_in(&hosts))
            .map_err(|difference| format!("body {number}: {difference}"))?;
    }
    match backend.watch(Duration::from_secs(1)).await {
        Ok(Watched::Quiet) => Ok(()),
        other => Err(format!("expected nothing more: {other:?}")),
    }
}

/// The asynchronous check-in has facts even when there are none.
fn check_in(hosts: &[Hypervisor]) -> Value {
    let report = [Report::Hosts(hosts.to_vec())];
    let mut body = serde_json::to_value(Printed(&report, Form::New)).unwrap();
    for host in body["hypervisors"].as_array_mut().unwrap() {
        let host = host.as_object_mut().unwrap();
        host.entry("facts").or_insert_with(|| json!({}));
    }
    body
}
