//! Candlepin is logged in at: its `/status/` answers everybody, so a good answer there says nothing about the account.

use std::path::Path;
use std::sync::{Arc, Mutex};

use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
use airlock_virt_who::destination::{Destination, Error, open};

use crate::server::{Asked, Authority, Reply, Server};

/// What a server can do, and what it makes of logins and organizations.
#[derive(Clone, Copy)]
struct Rules {
    heartbeat: bool,
    login: bool,
    owner: bool,
}

const GOOD: Rules = Rules {
    heartbeat: true,
    login: true,
    owner: true,
};

fn answer(asked: &Asked, rules: Rules) -> Reply {
    let json = |status, text: &str| Reply::new(status, "application/json", text);
    let capabilities = if rules.heartbeat {
        "\"hypervisors_async\", \"hypervisors_heartbeat\""
    } else {
        ""
    };
    if asked.path == "/candlepin/status/" {
        return json(
            200,
            &format!(
                "{{\"result\": true, \"version\": \"4\", \"managerCapabilities\": [{capabilities}]}}"
            ),
        );
    }
    if !rules.login || asked.header("authorization").is_empty() {
        return json(401, "{\"displayMessage\": \"Invalid Credentials\"}");
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        ("PUT", "/candlepin/hypervisors/acme/heartbeat") if rules.owner => {
            json(200, "{\"id\": \"j\", \"state\": \"CREATED\"}")
        }
        ("PUT", "/candlepin/hypervisors/acme/heartbeat") => json(200, "null"),
        ("GET", "/candlepin/users/u/owners") if rules.owner => {
            json(200, "[{\"key\": \"other\"}, {\"key\": \"acme\"}]")
        }
        ("GET", "/candlepin/users/u/owners") => json(200, "[{\"key\": \"other\"}]"),
        _ => json(404, "{}"),
    }
}

fn opened(root: &Path, port: u16) -> Box<dyn Destination> {
    std::fs::write(root.join("source.json"), "{\"hypervisors\":[]}").unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/a.conf"),
        format!(
            "[one]\ntype=fake\nfile=/source.json\nis_hypervisor=true\nowner=acme\nrhsm_hostname=127.0.0.1\nrhsm_port={port}\nrhsm_prefix=/candlepin\nrhsm_username=u\nrhsm_password=p\nrhsm_ca=/ca.pem\n"
        ),
    )
    .unwrap();
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let source = configuration.source("one").unwrap();
    open(&source.destinations[0], &root.join("state")).unwrap()
}

/// What `check --connect` and `status` say, and what was asked for that.
async fn asked(rules: Rules) -> [(Result<String, Error>, Vec<String>); 2] {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let inside = Arc::clone(&heard);
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let server = Server::run(
        listener,
        Some(Arc::clone(&authority.config)),
        move |asked| {
            inside
                .lock()
                .unwrap()
                .push(format!("{} {}?{}", asked.method, asked.path, asked.query));
            answer(asked, rules)
        },
    );
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("ca.pem"), &authority.pem).unwrap();
    let mut destination = opened(scratch.path(), port);
    let check = destination.check().await;
    let for_check = std::mem::take(&mut *heard.lock().unwrap());
    let status = destination.status().await;
    let for_status = std::mem::take(&mut *heard.lock().unwrap());
    drop(server);
    [(check, for_check), (status, for_status)]
}

#[tokio::test]
async fn status_signs_as_status_test_and_check_changes_nothing() {
    let [(check, for_check), (status, for_status)] = asked(GOOD).await;
    assert_eq!(check.unwrap(), "Candlepin 4, async check-in");
    assert_eq!(status.unwrap(), "Candlepin 4, async check-in");
    assert!(
        for_check.iter().all(|line| line.starts_with("GET ")),
        "{for_check:?}"
    );
    assert!(
        for_status.contains(
            &"PUT /candlepin/hypervisors/acme/heartbeat?reporter_id=status_test".to_owned()
        ),
        "{for_status:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login() {
    for heartbeat in [true, false] {
        let rules = Rules {
            heartbeat,
            login: false,
            ..GOOD
        };
        for (result, _) in asked(rules).await {
            let error = result.unwrap_err();
            assert!(error.refused(), "{error}");
            assert!(error.to_string().contains("Invalid Credentials"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_owner_that_the_server_does_not_know_is_named() {
    for heartbeat in [true, false] {
        let rules = Rules {
            heartbeat,
            owner: false,
            ..GOOD
        };
        for (result, _) in asked(rules).await {
            assert_eq!(
                result.unwrap_err().to_string(),
                "Specified owner 'acme' is not accessible"
            );
        }
    }
}

/// Guests of this machine with a login of their own: the consumer is the one of the machine's certificate.
#[tokio::test]
async fn guests_of_this_machine_are_reported_with_the_sections_login() {
    use airlock_virt_who::destination::{Accepted, Delivery};
    use airlock_virt_who::inventory::Inventory;
    use airlock_virt_who::model::{Guest, IdKind, LocalGuests, State};
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let inside = Arc::clone(&heard);
    let authority = Authority::new();
    let (listener, port) = Server::bind().await;
    let _server = Server::run(
        listener,
        Some(Arc::clone(&authority.config)),
        move |asked| {
            let login = asked.header("authorization").to_owned();
            let line = format!("{} {} {login}", asked.method, asked.path);
            inside.lock().unwrap().push(line);
            match asked.path.as_str() {
                "/candlepin/" => Reply::new(200, "application/json", "[{\"rel\": \"guestids\"}]"),
                "/candlepin/status/" => Reply::new(200, "application/json", "{\"result\": true}"),
                _ => Reply::new(204, "application/json", ""),
            }
        },
    );
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::write(root.join("ca.pem"), &authority.pem).unwrap();
    std::fs::write(
        root.join("guests.json"),
        "{\"hypervisors\":[{\"guestIds\":[]}]}",
    )
    .unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/a.conf"),
        format!(
            "[one]\ntype=fake\nfile=/guests.json\nis_hypervisor=false\nrhsm_hostname=127.0.0.1\nrhsm_port={port}\nrhsm_prefix=/candlepin\nrhsm_username=u\nrhsm_password=p\nrhsm_ca=/ca.pem\n"
        ),
    )
    .unwrap();
    let configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    let settings = &configuration.source("one").unwrap().destinations[0];
    let inventory = Inventory::of_local(LocalGuests {
        guests: vec![Guest::new("g", State::Running, &"fake".into())],
        hypervisor_id: None,
    });
    let accepted = Accepted::default();
    let delivery = || Delivery {
        source: "one",
        kind: "fake",
        id_kind: IdKind::Uuid,
        inventory: &inventory,
        accepted: &accepted,
    };
    let mut destination = open(settings, &root.join("state")).unwrap();
    let error = destination.send(&[delivery()]).await.error.unwrap();
    assert!(error.to_string().contains("cert.pem"), "{error}");
    crate::golden::certificate(&root.join("etc/pki/consumer"), "my-uuid");
    let mut destination = open(settings, &root.join("state")).unwrap();
    let sent = destination.send(&[delivery()]).await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    assert_eq!(
        heard.lock().unwrap().last().unwrap(),
        "PUT /candlepin/consumers/my-uuid Basic dTpw"
    );
}
