//! `fake/candlepin-*.json` and `satellite5/*.json`: what the real program sent is what is sent here.
//!
//! The recorded answers are given back by method, path and operation. Requests that change something are compared, each with
//! its whole body, the order of hosts and guests free; questions (GET) may be fewer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use airlock_virt_who::backend::{gather, kind};
use airlock_virt_who::config::{CommandLine, Configuration, Environment, Paths, load};
use airlock_virt_who::destination::{Accepted, Delivery, Named, Sent, open, pickle};
use airlock_virt_who::inventory::Inventory;
use airlock_virt_who::model::{IdKind, Report};
use airlock_virt_who::settings::Settings;
use airlock_xmlrpc::{Call, Limits, Response, parse_call, parse_response};
use base64::Engine as _;
use serde_json::{Value, json};

use super::{Folder, Outcome, read_json, say};
use crate::server::{Asked, Authority, Reply, Server};

pub async fn outcomes(folder: &Folder) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    if let Some(inside) = folder.inside("fake") {
        for case in cases(&inside, "candlepin-") {
            let name = format!("fake/{case}");
            let result = candlepin(folder, &inside, &case, &name);
            outcomes.push(super::case(name.clone(), result).await);
        }
    }
    if let Some(inside) = folder.inside("satellite5") {
        let hosts = folder.path.join("fake");
        for case in cases(&inside, "") {
            let name = format!("satellite5/{case}");
            let result = async {
                if case == "systemid-pickle" {
                    return pickles(&inside.join("systemid-pickle.json"));
                }
                satellite5(&hosts, &inside, &case, &name).await
            };
            if case != "systemid-pickle" && !hosts.join("source.json").is_file() {
                say(&format!(
                    "skipped: {name}: its hosts are those of fake/source.json, which is absent"
                ));
                continue;
            }
            outcomes.push(super::case(name.clone(), result).await);
        }
    }
    outcomes
}

fn cases(folder: &Path, prefix: &str) -> Vec<String> {
    let mut cases: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().ok()?;
            let case = name.strip_suffix(".json")?;
            case.starts_with(prefix).then(|| case.to_owned())
        })
        .collect();
    cases.sort();
    cases
}

/// One recorded request with its answer.
struct Recorded {
    method: String,
    path: String,
    query: String,
    headers: HashMap<String, String>,
    body: String,
    status: u16,
    answer: String,
}

fn recorded(path: &Path) -> Vec<Recorded> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    read_json(path)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let (request, answer) = (&entry["request"], &entry["answer"]);
            let target = text(&request["path"]);
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            Recorded {
                method: text(&request["method"]),
                path: path.to_owned(),
                query: query.to_owned(),
                headers: request["headers"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.to_lowercase(), text(value)))
                    .collect(),
                body: text(&request["body"]),
                status: u16::try_from(answer["status"].as_u64().unwrap_or(200)).unwrap(),
                answer: text(&answer["body"]),
            }
        })
        .collect()
}

fn operation(body: &str) -> String {
    parse_call(body.as_bytes(), &Limits::default())
        .map(|call| call.method)
        .unwrap_or_default()
}

/// Answers as recorded and keeps what is asked.
async fn replay(
    recorded: &[Recorded],
    authority: Option<&Authority>,
) -> (Server, Arc<Mutex<Vec<Asked>>>) {
    let mut answers: HashMap<(String, String, String), Vec<Reply>> = HashMap::new();
    for one in recorded {
        let key = (one.method.clone(), one.path.clone(), operation(&one.body));
        let reply = Reply::new(one.status, "application/json", one.answer.clone());
        answers.entry(key).or_default().push(reply);
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let answers = Mutex::new(answers);
    let (listener, _) = Server::bind().await;
    let tls = authority.map(|authority| Arc::clone(&authority.config));
    let server = Server::run(listener, tls, move |request: &Asked| {
        kept.lock().unwrap().push(request.clone());
        let key = (
            request.method.clone(),
            request.path.clone(),
            operation(&request.text()),
        );
        match answers.lock().unwrap().get_mut(&key) {
            None => Reply::new(404, "text/plain", "nothing is recorded for this request"),
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
        }
    });
    (server, asked)
}

async fn inventory(folder: &Path, local: bool) -> Inventory {
    let mut settings = Settings::new("fake", "");
    let file = if local {
        "source-local.json"
    } else {
        "source.json"
    };
    settings.options = [
        ("file".to_owned(), folder.join(file).display().to_string()),
        ("is_hypervisor".to_owned(), (!local).to_string()),
    ]
    .into();
    let mut backend = kind("fake").unwrap().open(settings).unwrap();
    match gather(&mut *backend).await.unwrap().0 {
        Report::Hosts(hosts) => Inventory::of_hosts(hosts),
        Report::Local(local) => Inventory::of_local(local),
    }
}

fn configuration(root: &Path, section: &str, reporter: &str) -> Configuration {
    let folder = root.join("etc/virt-who.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.conf"), section).unwrap();
    let mut line = CommandLine::default();
    line.global.insert(
        "reporter_id".to_owned(),
        (reporter.to_owned(), "--reporter-id".to_owned()),
    );
    load(&Paths::below(root), &line, &Environment::new())
}

/// The document with all lists sorted, so that their order is free.
fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(normal).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, normal(value)))
            .collect(),
        other => other,
    }
}

fn shown(method: &str, path: &str, query: &str, body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    json!([method, path, query, normal(body)])
}

async fn candlepin(folder: &Folder, inside: &Path, case: &str, name: &str) -> Result<(), String> {
    let recorded = recorded(&inside.join(format!("{case}.json")));
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let authority = Authority::new();
    let (server, asked) = replay(&recorded, Some(&authority)).await;
    std::fs::write(root.join("ca.pem"), &authority.pem).unwrap();
    let prefix = recorded
        .iter()
        .find_map(|one| one.path.split_once("/status"))
        .map(|(prefix, _)| prefix)
        .ok_or("no status request")?;
    let owner = recorded.iter().find_map(|one| {
        let by_query = one
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix("owner="));
        let by_path = one
            .path
            .split_once("/hypervisors/")
            .map(|(_, rest)| rest.split('/').next().unwrap());
        by_query.or(by_path).map(str::to_owned)
    });
    let reporter = recorded
        .iter()
        .find_map(|one| {
            one.query
                .split('&')
                .find_map(|pair| pair.strip_prefix("reporter_id="))
        })
        .unwrap_or("reporter");
    let consumer = recorded
        .iter()
        .find_map(|one| one.path.split_once("/consumers/"))
        .map_or("no-consumer", |(_, uuid)| uuid);
    let local = owner.is_none();
    let source = if local {
        "source-local.json"
    } else {
        "source.json"
    };
    let mut section = format!(
        "[fake]\ntype=fake\nfile=/{source}\nis_hypervisor={}\nrhsm_hostname=127.0.0.1\nrhsm_port={}\nrhsm_prefix={prefix}\nrhsm_ca=/ca.pem\n",
        !local, server.port
    );
    std::fs::copy(inside.join(source), root.join(source)).unwrap();
    if let Some(owner) = &owner {
        section.push_str(&format!("owner={owner}\n"));
    }
    match recorded
        .iter()
        .find_map(|one| one.headers.get("authorization"))
    {
        Some(basic) => {
            let text = basic.strip_prefix("Basic ").ok_or("no Basic")?;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text)
                .unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let (user, password) = text.split_once(':').unwrap();
            section.push_str(&format!("rhsm_username={user}\nrhsm_password={password}\n"));
        }
        None => certificate(&root.join("etc/pki/consumer"), consumer),
    }
    let configuration = configuration(root, &section, reporter);
    let source = configuration
        .source("fake")
        .ok_or_else(|| format!("{:?}", configuration.dropped))?;
    let inventory = inventory(inside, local).await;
    let mut destination = open(&source.destinations[0], root).map_err(|error| error.to_string())?;
    let accepted = Accepted::default();
    let named = Named {
        source: "fake",
        kind: "fake",
        id_kind: IdKind::Uuid,
        marks: &accepted.marks,
    };
    destination
        .heartbeat(&[named])
        .await
        .map_err(|error| error.to_string())?;
    let Sent { taken, error } = destination
        .send(&[Delivery {
            source: "fake",
            kind: "fake",
            id_kind: IdKind::Uuid,
            inventory: &inventory,
            accepted: &accepted,
        }])
        .await;
    if let Some(error) = error {
        return Err(error.to_string());
    }
    let job = recorded
        .iter()
        .filter(|one| one.method == "POST")
        .find_map(|one| {
            serde_json::from_str::<Value>(&one.answer).ok()?["id"]
                .as_str()
                .map(str::to_owned)
        });
    if taken.first().and_then(|taken| taken.job.clone()) != job {
        return Err("the job is not that of the answer".to_owned());
    }
    let expected: Vec<Value> = recorded
        .iter()
        .filter(|one| one.method != "GET")
        .map(|one| shown(&one.method, &one.path, &one.query, &one.body))
        .collect();
    let asked = asked.lock().unwrap();
    let found: Vec<Value> = asked
        .iter()
        .filter(|one| one.method != "GET")
        .map(|one| shown(&one.method, &one.path, &one.query, &one.text()))
        .collect();
    for one in recorded.iter().filter(|one| one.method != "GET") {
        let same = asked
            .iter()
            .find(|asked| asked.path == one.path && asked.method == one.method);
        for header in ["content-type", "accept", "authorization"] {
            let wanted = one.headers.get(header).map_or("", String::as_str);
            let sent = same.map_or("", |asked| asked.header(header));
            if sent != wanted {
                return Err(format!(
                    "{} {}: header {header} is {sent:?}, not {wanted:?}",
                    one.method, one.path
                ));
            }
        }
    }
    let expected = folder.deviations.apply(name, normal(json!(expected)));
    let found = normal(json!(found));
    if expected == found {
        Ok(())
    } else {
        Err(format!("expected {expected}\nfound {found}"))
    }
}

/// A consumer certificate with this uuid.
pub fn certificate(folder: &Path, uuid: &str) {
    let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, uuid);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

async fn satellite5(fake: &Path, inside: &Path, case: &str, name: &str) -> Result<(), String> {
    let recorded = recorded(&inside.join(format!("{case}.json")));
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let (server, asked) = replay(&recorded, None).await;
    let inventory = inventory(fake, false).await;
    let calls: Vec<Call> = recorded
        .iter()
        .map(|one| parse_call(one.body.as_bytes(), &Limits::default()).unwrap())
        .collect();
    known_systems(&recorded, &calls, &inventory, root);
    let account = calls
        .iter()
        .find(|call| call.method == "auth.login")
        .map_or(("u", "p"), |call| {
            (
                call.params[0].as_str().unwrap(),
                call.params[1].as_str().unwrap(),
            )
        });
    let section = format!(
        "[fake]\ntype=fake\nfile=/source.json\nsm_type=satellite\nsat_server=http://127.0.0.1:{}\nsat_username={}\nsat_password={}\n",
        server.port, account.0, account.1
    );
    std::fs::copy(fake.join("source.json"), root.join("source.json")).unwrap();
    let configuration = configuration(root, &section, "reporter");
    let source = configuration
        .source("fake")
        .ok_or_else(|| format!("{:?}", configuration.dropped))?;
    let mut destination = open(&source.destinations[0], root).map_err(|error| error.to_string())?;
    let accepted = Accepted::default();
    let sent = destination
        .send(&[Delivery {
            source: "fake",
            kind: "fake",
            id_kind: IdKind::Uuid,
            inventory: &inventory,
            accepted: &accepted,
        }])
        .await;
    if let Some(error) = sent.error {
        return Err(error.to_string());
    }
    let expected: Vec<(String, Call)> = recorded
        .iter()
        .map(|one| one.path.clone())
        .zip(calls)
        .collect();
    let found: Vec<(String, Call)> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|one| {
            let call = parse_call(&one.body, &Limits::default()).unwrap();
            (one.path.clone(), call)
        })
        .collect();
    if expected.len() != found.len() {
        let names: Vec<&str> = found.iter().map(|(_, call)| call.method.as_str()).collect();
        return Err(format!(
            "{} calls instead of {}: {names:?}",
            found.len(),
            expected.len()
        ));
    }
    // The order matters: a host is registered before it says anything.
    for (number, (expected, found)) in expected.iter().zip(&found).enumerate() {
        if expected != found {
            return Err(format!(
                "call {number}: expected {expected:?}, found {found:?}"
            ));
        }
    }
    say(&format!("{name}: {} calls equal, in order", found.len()));
    Ok(())
}

/// Writes the system ids that the recorded run began with.
fn known_systems(recorded: &[Recorded], calls: &[Call], inventory: &Inventory, root: &Path) {
    let state = root.join("var/lib/virt-who");
    std::fs::create_dir_all(&state).unwrap();
    let mut hosts = inventory.hosts().iter();
    let mut again = false;
    let mut fresh = false;
    for (one, call) in recorded.iter().zip(calls) {
        match call.method.as_str() {
            "registration.new_system_user_pass" => fresh = !again,
            "registration.virt_notify" => {
                if again {
                    // The second try for a host that had been deleted.
                    again = false;
                    continue;
                }
                let host = hosts.next().unwrap();
                if !fresh {
                    let id = call.params[0].as_str().unwrap();
                    let file = root.join(format!("hypervisor-systemid-{}", host.id));
                    std::fs::write(file, pickle::write("system_id", id)).unwrap();
                }
                fresh = false;
                again = matches!(
                    parse_response(one.answer.as_bytes(), &Limits::default()),
                    Ok(Response::Fault(fault)) if fault.code == -9
                );
            }
            _ => {}
        }
    }
}

/// Old system id files of all protocols are read.
fn pickles(path: &Path) -> Result<(), String> {
    let document = read_json(path).unwrap();
    let wanted = document["decoded"]["system_id"].as_str().unwrap();
    let mut all: Vec<(String, Vec<u8>)> = document["protocols_hex"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(protocol, hex)| {
            (
                format!("protocol {protocol}"),
                hex::decode(hex.as_str().unwrap()).unwrap(),
            )
        })
        .collect();
    let python3 = document["written_by_python3_hex"].as_str().unwrap();
    all.push(("Python 3".to_owned(), hex::decode(python3).unwrap()));
    let python2 = document["python2_protocol0_constructed"].as_str().unwrap();
    all.push(("Python 2".to_owned(), python2.as_bytes().to_vec()));
    all.push(("our own".to_owned(), pickle::write("system_id", wanted)));
    for (name, bytes) in all {
        let value = pickle::read(&bytes).map_err(|error| format!("{name}: {error}"))?;
        if value.get("system_id").and_then(pickle::Pickled::as_str) != Some(wanted) {
            return Err(format!("{name}: another system_id"));
        }
        for end in 0..bytes.len() {
            if pickle::read(&bytes[..end]).is_ok() {
                return Err(format!("{name}: cut at {end} it is still read"));
            }
        }
    }
    Ok(())
}
