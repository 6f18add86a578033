//! Each destination against servers that fail: nothing counts as taken that was not, and the next try sends it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use airlock_virt_who::backend::Error as Transport;
use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
use airlock_virt_who::destination::{Accepted, Delivery, Error, Sent, open};
use airlock_virt_who::inventory::Inventory;
use airlock_virt_who::model::{Guest, Hypervisor, IdKind, State};

use crate::server::{Authority, Reply, Server};

pub fn inventory() -> Inventory {
    let kind: Arc<str> = "esx".into();
    let mut host = Hypervisor::new("esx1.example.com");
    host.name = Some("esx1.example.com".into());
    host.guests = vec![
        Guest::new(
            "a1111111-0000-4000-8000-000000000001",
            State::Running,
            &kind,
        ),
        Guest::new(
            "b2222222-0000-4000-8000-000000000002",
            State::ShutOff,
            &kind,
        ),
    ];
    Inventory::of_hosts(vec![host])
}

/// Makes the one destination of a section, sends, and gives what came of it.
pub async fn send(root: &Path, options: &str, inventory: &Inventory, accepted: &Accepted) -> Sent {
    std::fs::write(root.join("source.json"), "{\"hypervisors\":[]}").unwrap();
    let folder = root.join("etc/virt-who.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("a.conf"),
        format!("[one]\ntype=fake\nfile=/source.json\nis_hypervisor=true\n{options}"),
    )
    .unwrap();
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let source = configuration
        .source("one")
        .unwrap_or_else(|| panic!("{:?}", configuration.dropped));
    let mut destination = match open(&source.destinations[0], &root.join("state")) {
        Ok(destination) => destination,
        Err(error) => {
            return Sent {
                taken: Vec::new(),
                error: Some(error),
            };
        }
    };
    destination
        .send(&[Delivery {
            source: "one",
            kind: "esx",
            id_kind: IdKind::Hostname,
            inventory,
            accepted,
        }])
        .await
}

fn options(kind: &str, port: u16, ca: bool) -> String {
    let ca = |name: &str| {
        if ca {
            format!("{name}=/ca.pem\n")
        } else {
            String::new()
        }
    };
    match kind {
        "candlepin" => format!(
            "owner=acme\nrhsm_hostname=127.0.0.1\nrhsm_port={port}\nrhsm_prefix=/candlepin\nrhsm_username=u\nrhsm_password=top-secret\nrhsm_timeout=1\n{}",
            ca("rhsm_ca")
        ),
        "satellite5" => format!(
            "sat_server=https://127.0.0.1:{port}\nsat_username=u\nsat_password=top-secret\nsat_timeout=1\n{}",
            ca("sat_ca")
        ),
        _ => format!(
            "airlock_server=https://127.0.0.1:{port}\nairlock_token=top-secret\nairlock_timeout=1\n{}",
            ca("airlock_ca")
        ),
    }
}

const KINDS: [&str; 3] = ["candlepin", "satellite5", "airlock"];

/// What a destination says when the server always answers so.
async fn against(kind: &str, reply: Reply, trusted: bool) -> Error {
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let server = Server::run(listener, Some(Arc::clone(&authority.config)), move |_| {
        reply.clone()
    });
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("ca.pem"), &authority.pem).unwrap();
    let sent = send(
        scratch.path(),
        &options(kind, port, trusted),
        &inventory(),
        &Accepted::default(),
    )
    .await;
    drop(server);
    for taken in &sent.taken {
        assert!(
            !inventory().equals(&taken.accepted.digests),
            "{kind}: nothing was taken"
        );
        assert_eq!(taken.job, None);
    }
    let error = sent
        .error
        .unwrap_or_else(|| panic!("{kind}: there is no error"));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("top-secret"), "{kind}: {text}");
    error
}

/// The start of a good answer, which is broken off.
fn begun(kind: &str) -> Vec<u8> {
    match kind {
        "candlepin" => b"{\"result\": true, \"version\": \"4\", \"managerCapabilities\": []}".to_vec(),
        "satellite5" => b"<?xml version='1.0'?><methodResponse><params><param><value>session</value></param></params></methodResponse>".to_vec(),
        _ => b"{\"verdict\": \"applied\", \"sequence\": 1}".to_vec(),
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_not_talked_to() {
    for kind in KINDS {
        let error = against(kind, Reply::new(200, "text/plain", "x"), false).await;
        assert!(
            matches!(error, Error::Transport(Transport::Tls { .. })),
            "{kind}: {error:?}"
        );
        // What helps is the destination's own option.
        let option = match kind {
            "candlepin" => " rhsm_ca=",
            "satellite5" => " sat_ca=",
            _ => " airlock_ca=",
        };
        assert!(error.to_string().contains(option), "{kind}: {error}");
    }
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_when_it_is_the_ca() {
    let authority = crate::server::self_signed();
    for kind in KINDS {
        let (listener, port) = Server::bind().await;
        let _server = Server::run(listener, Some(Arc::clone(&authority.config)), |_| {
            Reply::new(500, "text/plain", "x")
        });
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("ca.pem"), &authority.pem).unwrap();
        let options = options(kind, port, true).replace("127.0.0.1", "localhost");
        let sent = send(scratch.path(), &options, &inventory(), &Accepted::default()).await;
        let error = sent.error.unwrap();
        let status = matches!(
            error,
            Error::Transport(Transport::Status { status: 500, .. })
        );
        assert!(status, "{kind}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_is_a_failure() {
    for kind in KINDS {
        let reply = Reply::Cut {
            headers: Vec::new(),
            body: begun(kind),
        };
        let error = against(kind, reply, true).await;
        assert!(
            matches!(error, Error::Transport(Transport::Partial { .. })),
            "{kind}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_times_out() {
    for kind in KINDS {
        let reply = Reply::Stall {
            headers: Vec::new(),
            body: begun(kind),
        };
        let error = against(kind, reply, true).await;
        assert!(
            matches!(error, Error::Transport(Transport::TimedOut { .. })),
            "{kind}: {error:?}"
        );
    }
}

#[tokio::test]
async fn status_500_is_a_failure_that_may_pass() {
    for kind in KINDS {
        let error = against(
            kind,
            Reply::new(500, "text/html", "<html>Sorry</html>"),
            true,
        )
        .await;
        assert!(
            matches!(
                error,
                Error::Transport(Transport::Status { status: 500, .. })
            ),
            "{kind}: {error:?}"
        );
        assert!(!error.refused());
    }
}

#[tokio::test]
async fn a_login_page_with_status_200_is_no_answer() {
    for kind in KINDS {
        let error = against(
            kind,
            Reply::new(200, "text/html", "<html>Log in</html>"),
            true,
        )
        .await;
        assert!(
            matches!(error, Error::Transport(Transport::Protocol { .. })),
            "{kind}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_a_refusal() {
    let fault = "<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>2950</int></value></member><member><name>faultString</name><value>Either the password or username is incorrect.</value></member></struct></value></fault></methodResponse>";
    for (kind, reply) in [
        (
            "candlepin",
            Reply::new(
                401,
                "application/json",
                "{\"displayMessage\": \"Invalid Credentials\"}",
            ),
        ),
        ("satellite5", Reply::new(200, "text/xml", fault)),
        (
            "airlock",
            Reply::new(
                403,
                "application/problem+json",
                "{\"title\": \"the token lacks the scope hypervisors:write\"}",
            ),
        ),
    ] {
        let error = against(kind, reply, true).await;
        assert!(error.refused(), "{kind}: {error:?}");
    }
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_is_heard() {
    let reply = Reply::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "17".to_owned())],
        body: Vec::new(),
    };
    for kind in ["candlepin", "airlock"] {
        let error = against(kind, reply.clone(), true).await;
        assert_eq!(error.wait().map(|wait| wait.as_secs()), Some(17), "{kind}");
    }
    let error = against("candlepin", Reply::new(429, "text/plain", ""), true).await;
    assert_eq!(error.wait().map(|wait| wait.as_secs()), Some(30));
}

#[tokio::test]
async fn an_unregistered_machine_is_told_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let sent = send(
        scratch.path(),
        "owner=acme\n",
        &inventory(),
        &Accepted::default(),
    )
    .await;
    let error = sent.error.unwrap();
    assert!(matches!(error, Error::Unregistered { .. }) && !error.refused());
    assert!(
        error.to_string().contains("subscription-manager register"),
        "{error}"
    );
}

#[tokio::test]
async fn a_fault_about_one_host_is_told_and_the_others_are_sent() {
    // virt-who takes every fault of virt_notify for success.
    let answer = |value: &str| {
        Reply::new(
            200,
            "text/xml",
            format!(
                "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
            ),
        )
    };
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let server = Server::start(move |request| {
        let text = request.text();
        if text.contains("virt_notify") {
            *count.lock().unwrap() += 1;
            if text.contains("bad-system") {
                return Reply::new(200, "text/xml", "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>-31</int></value></member><member><name>faultString</name><value>no entitlement</value></member></struct></value></fault></methodResponse>");
            }
            return answer("<int>0</int>");
        }
        Reply::new(404, "text/plain", "")
    })
    .await;
    let scratch = tempfile::tempdir().unwrap();
    let state = scratch.path().join("state");
    std::fs::create_dir_all(&state).unwrap();
    for (id, system) in [
        ("esx1.example.com", "bad-system"),
        ("a/../b", "good-system"),
    ] {
        let file = id.replace('/', "%2F");
        std::fs::write(
            state.join(format!("hypervisor-systemid-{file}")),
            airlock_virt_who::destination::pickle::write("system_id", system),
        )
        .unwrap();
    }
    let mut hosts: Vec<_> = inventory()
        .hosts()
        .iter()
        .map(|host| (**host).clone())
        .collect();
    hosts.push(Hypervisor::new("a/../b"));
    let all = Inventory::of_hosts(hosts);
    let options = format!(
        "sat_server={}\nsat_username=u\nsat_password=p\n",
        server.url()
    );
    let sent = send(scratch.path(), &options, &all, &Accepted::default()).await;
    assert!(
        matches!(sent.error, Some(Error::Rejected { .. })),
        "{:?}",
        sent.error
    );
    assert_eq!(sent.taken.len(), 1);
    assert_eq!(sent.taken[0].accepted.digests.len(), 1);
    assert!(sent.taken[0].remarks[0].contains("no entitlement"));
    assert_eq!(*asked.lock().unwrap(), 2);
    // The next try sends only what was not taken.
    let sent = send(scratch.path(), &options, &all, &sent.taken[0].accepted).await;
    assert!(sent.error.is_some());
    assert_eq!(*asked.lock().unwrap(), 3);
}

/// A server of each foreign kind that takes everything; the bodies that it got.
async fn taken_by(kind: &str, inventory: &Inventory) -> (Sent, Vec<String>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let inside = Arc::clone(&heard);
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let _server = Server::run(
        listener,
        Some(Arc::clone(&authority.config)),
        move |asked| {
            let text = asked.text();
            if asked.method == "POST" && !text.contains("auth.login") {
                inside.lock().unwrap().push(text.clone());
            }
            if asked.path.contains("/status") {
                let body = "{\"result\": true, \"managerCapabilities\": [\"hypervisors_async\"]}";
                return Reply::new(200, "application/json", body);
            }
            if asked.path.contains("/hypervisors") {
                return Reply::new(200, "application/json", "{\"id\": \"job\"}");
            }
            let member = |name: &str, value: &str| {
                format!(
                    "<struct><member><name>{name}</name><value>{value}</value></member></struct>"
                )
            };
            let value = match () {
                () if text.contains("auth.login") => "session".to_owned(),
                () if text.contains("user.getDetails") => member("org_id", "<int>1</int>"),
                () if text.contains("new_system_user_pass") => member("system_id", "s"),
                () => "<int>1</int>".to_owned(),
            };
            let body = format!(
                "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
            );
            Reply::new(200, "text/xml", body)
        },
    );
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(scratch.path().join("state")).unwrap();
    std::fs::write(scratch.path().join("ca.pem"), &authority.pem).unwrap();
    let options = options(kind, port, true);
    let sent = send(scratch.path(), &options, inventory, &Accepted::default()).await;
    let heard = heard.lock().unwrap().clone();
    (sent, heard)
}

#[tokio::test]
async fn an_explicit_empty_set_is_sent_and_taken() {
    let nothing = Inventory::of_hosts(Vec::new());
    for kind in ["candlepin", "satellite5"] {
        let (sent, heard) = taken_by(kind, &nothing).await;
        assert!(sent.error.is_none(), "{kind}: {:?}", sent.error);
        assert!(nothing.equals(&sent.taken[0].accepted.digests), "{kind}");
        assert!(sent.taken[0].accepted.ever, "{kind}");
        // Satellite 5 has no call for it.
        let wanted: &[&str] = match kind {
            "candlepin" => &["{\"hypervisors\":[]}"],
            _ => &[],
        };
        assert_eq!(heard, wanted, "{kind}");
    }
}

#[tokio::test]
async fn hosts_of_one_id_and_hosts_without_hardware_uuid_are_taken() {
    let kind: Arc<str> = "esx".into();
    let host = |id: &str, guest: &str| {
        let mut host = Hypervisor::new(id);
        host.guests = vec![Guest::new(guest, State::Running, &kind)];
        host
    };
    let all = Inventory::of_hosts(vec![
        host("one", "g1"),
        host("one", "g2"),
        host("two", "g1"),
    ]);
    for kind in ["candlepin", "satellite5"] {
        let (sent, heard) = taken_by(kind, &all).await;
        assert!(sent.error.is_none(), "{kind}: {:?}", sent.error);
        assert!(
            all.equals(&sent.taken[0].accepted.digests),
            "{kind}: it is not sent again and again"
        );
        let text = heard.concat();
        assert!(!text.contains("dmi.system.uuid"), "{text}");
        let reports = heard
            .iter()
            .filter(|text| text.contains("virt_notify") || text.contains("hypervisors"))
            .count();
        // One message, or one for each id.
        assert_eq!(reports, if kind == "candlepin" { 1 } else { 2 }, "{kind}");
        assert!(text.contains("g2"), "{kind}: {text}");
    }
}

#[tokio::test]
async fn the_old_check_in_is_one_message_for_all_sources() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let inside = Arc::clone(&heard);
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let _server = Server::run(
        listener,
        Some(Arc::clone(&authority.config)),
        move |asked| {
            if asked.method == "POST" {
                inside.lock().unwrap().push(asked.text());
                let body = "{\"created\": [], \"failedUpdate\": [\"c: no\"]}";
                return Reply::new(200, "application/json", body);
            }
            Reply::new(200, "application/json", "{\"result\": true}")
        },
    );
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::write(root.join("ca.pem"), &authority.pem).unwrap();
    let nothing = Inventory::of_hosts(Vec::new());
    // Writes the section whose destination is used below.
    let accepted = Accepted::default();
    send(root, &options("candlepin", port, true), &nothing, &accepted).await;
    heard.lock().unwrap().clear();
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let source = configuration.source("one").unwrap();
    let mut destination = open(&source.destinations[0], &root.join("state")).unwrap();
    let one = Inventory::of_hosts(vec![Hypervisor::new("a"), Hypervisor::new("b")]);
    let two = Inventory::of_hosts(vec![Hypervisor::new("c")]);
    let delivery = |source, inventory| Delivery {
        source,
        kind: "esx",
        id_kind: IdKind::Hostname,
        inventory,
        accepted: &accepted,
    };
    let sent = destination
        .send(&[delivery("one", &one), delivery("two", &two)])
        .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    assert_eq!(sent.taken.len(), 2);
    let bodies = heard.lock().unwrap().clone();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let body: std::collections::BTreeMap<String, Vec<String>> =
        serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(body.into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}
