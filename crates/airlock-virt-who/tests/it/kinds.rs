//! What is particular to a kind: paging, old interfaces, rights that are missing, changes that are heard of.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airlock_virt_who::backend::{Backend, Error, Watched, gather, kind};
use airlock_virt_who::model::{Hypervisor, Report, State};
use airlock_virt_who::settings::Settings;
use serde_json::json;

use crate::faults::settings;
use crate::server::{Asked, Reply, Server};

async fn opened(settings: Settings) -> Box<dyn Backend> {
    let mut backend = kind(&settings.name).unwrap().open(settings).unwrap();
    backend.connect().await.unwrap();
    backend
}

async fn hosts(backend: &mut dyn Backend) -> Vec<Hypervisor> {
    match gather(backend).await {
        Ok((Report::Hosts(hosts), _)) => hosts,
        other => panic!("{other:?}"),
    }
}

fn json_reply(value: &serde_json::Value) -> Reply {
    Reply::new(200, "application/json", value.to_string())
}

/// Prism Central with this many guests on one host, in pages of at most `most`.
async fn central(guests: usize, most: usize, promised: usize) -> Server {
    Server::start(move |asked| {
        let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        let offset = body["offset"].as_u64().unwrap() as usize;
        let length = (body["length"].as_u64().unwrap() as usize).min(most);
        let all: Vec<_> = match asked.path.rsplit('/').nth(1).unwrap() {
            "vms" => (0..guests)
                .map(|number| {
                    json!({"metadata": {"uuid": format!("g{number}")}, "status": {"resources":
                        {"power_state": "ON", "host_reference": {"uuid": "h1"}}}})
                })
                .collect(),
            "hosts" => vec![json!({"metadata": {"uuid": "h1"}, "status": {"name": "one"}})],
            _ => Vec::new(),
        };
        let total = if asked.path.ends_with("/vms/list") {
            promised
        } else {
            all.len()
        };
        let page: Vec<_> = all.into_iter().skip(offset).take(length).collect();
        json_reply(
            &json!({"metadata": {"total_matches": total, "length": page.len()}, "entities": page}),
        )
    })
    .await
}

fn prism(url: &str, central: bool) -> Settings {
    let mut settings = settings("ahv", url, std::path::Path::new("/"));
    let word = central.to_string();
    settings.options.insert("prism_central".to_owned(), word);
    settings
}

#[tokio::test]
async fn prism_central_is_read_to_its_last_page() {
    let server = central(1234, 100, 1234).await;
    let mut backend = opened(prism(&server.url(), true)).await;
    assert_eq!(hosts(&mut *backend).await[0].guests.len(), 1234);
}

#[tokio::test]
async fn pages_that_do_not_come_are_an_error_and_no_smaller_report() {
    let server = central(150, 100, 400).await;
    let mut backend = opened(prism(&server.url(), true)).await;
    let error = gather(&mut *backend).await.unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
    assert!(error.to_string().contains("150 of 400"), "{error}");
}

#[tokio::test]
async fn prism_element_is_read_to_its_last_page() {
    let server = Server::start(|asked| {
        let query = |name: &str| {
            let found = asked.query.split('&').find_map(|pair| pair.strip_prefix(name));
            found.map(|value| value.parse::<usize>().unwrap())
        };
        let all: Vec<_> = match asked.path.rsplit('/').next().unwrap() {
            "vms" => (0..130).map(|number| json!({"uuid": format!("g{number}"), "host_uuid": "h7", "power_state": "on"})).collect(),
            "hosts" => (0..25).map(|number| json!({"uuid": format!("h{number}"), "name": "x"})).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let from = match (query("offset="), query("page=")) {
            (Some(offset), _) => offset,
            (None, Some(page)) => (page - 1) * query("count=").unwrap(),
            _ => 0,
        };
        let total = all.len();
        let page: Vec<_> = all.into_iter().skip(from).take(20).collect();
        json_reply(&json!({"metadata": {"grand_total_entities": total}, "entities": page}))
    })
    .await;
    let mut settings = prism(&server.url(), false);
    settings.all_hosts = true;
    let mut backend = opened(settings).await;
    let hosts = hosts(&mut *backend).await;
    assert_eq!(hosts.len(), 25);
    assert_eq!(hosts[7].guests.len(), 130);
}

#[tokio::test]
async fn a_host_whose_last_guest_has_gone_stays_in_the_report() {
    let on = Arc::new(Mutex::new("h1".to_owned()));
    let where_it_is = Arc::clone(&on);
    let server = Server::start(move |asked| {
        let entities = match asked.path.rsplit('/').next().unwrap() {
            "vms" => json!([{"uuid": "g", "host_uuid": *where_it_is.lock().unwrap(), "power_state": "on"}]),
            "hosts" => json!([{"uuid": "h1", "name": "a"}, {"uuid": "h2", "name": "b"}, {"uuid": "h3", "name": "c"}]),
            _ => json!([]),
        };
        json_reply(&json!({"entities": entities}))
    })
    .await;
    let mut backend = opened(prism(&server.url(), false)).await;
    let counts = |hosts: Vec<Hypervisor>| {
        hosts
            .into_iter()
            .map(|host| (host.id.to_string(), host.guests.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(hosts(&mut *backend).await), [("h1".to_owned(), 1)]);
    "h2".clone_into(&mut on.lock().unwrap());
    assert_eq!(
        counts(hosts(&mut *backend).await),
        [("h1".to_owned(), 0), ("h2".to_owned(), 1)]
    );
}

#[tokio::test]
async fn an_engine_of_version_3_is_read() {
    let server = Server::start(|asked| {
        let version = asked.header("version").to_owned();
        let body = match asked.path.as_str() {
            "/api" => "<api><product_info><version major=\"3\" minor=\"6\"/></product_info></api>",
            "/api/clusters" if version == "3" => "<clusters><cluster id=\"c\"><name>Default</name><virt_service>true</virt_service></cluster></clusters>",
            "/api/hosts" if version == "3" => "<hosts><host id=\"h\"><name>n</name><address>a.example.com</address><cluster id=\"c\"/><version full_version=\"vdsm-4.17\"/><cpu><topology sockets=\"2\" cores=\"4\"/></cpu></host></hosts>",
            "/api/vms" if version == "3" => "<vms><vm id=\"g\"><host id=\"h\"/><status><state>powering_down</state></status></vm></vms>",
            _ => return Reply::new(404, "text/plain", ""),
        };
        Reply::new(200, "application/xml", body)
    })
    .await;
    let mut backend = opened(settings("rhevm", &server.url(), std::path::Path::new("/"))).await;
    let hosts = hosts(&mut *backend).await;
    assert_eq!(hosts[0].facts["cpu.cpu_socket(s)"], "2");
    assert_eq!(hosts[0].facts["hypervisor.version"], "vdsm-4.17");
    assert_eq!(hosts[0].guests[0].state, State::ShuttingDown);
}

/// A cluster with one node and this many guests in chunks of two; nodes may be forbidden.
fn cluster(asked: &Asked, guests: usize, nodes: bool) -> Reply {
    let value = match asked.path.as_str() {
        "/apis/kubevirt.io" => json!({"preferredVersion": {"version": "v1"}}),
        "/api/v1/nodes" if !nodes => return Reply::new(403, "application/json", "{}"),
        "/api/v1/nodes" => {
            json!({"items": [{"metadata": {"name": "node1"}, "status": {"nodeInfo": {"machineID": "m1"}}}]})
        }
        path if path.ends_with("/virtualmachineinstances") => {
            if asked.query.contains("watch=true") {
                return Reply::new(200, "application/json", "{\"type\":\"ADDED\"}\n");
            }
            let from: usize = asked
                .query
                .split('&')
                .find_map(|pair| pair.strip_prefix("continue=t"))
                .map_or(0, |from| from.parse().unwrap());
            let space = path.split('/').nth(5).unwrap_or("");
            let items: Vec<_> = (from..guests.min(from + 2))
                .map(|number| {
                    json!({"metadata": {"name": "x"}, "status": {"nodeName": "node1"},
                    "spec": {"domain": {"firmware": {"uuid": format!("{space}{number}")}}}})
                })
                .collect();
            let next = if from + 2 < guests {
                format!("t{}", from + 2)
            } else {
                String::new()
            };
            json!({"metadata": {"continue": next, "resourceVersion": "7"}, "items": items})
        }
        _ => return Reply::new(404, "text/plain", ""),
    };
    json_reply(&value)
}

#[tokio::test]
async fn a_cluster_is_read_in_chunks_and_watched() {
    let scratch = tempfile::tempdir().unwrap();
    let server = Server::start(|asked| cluster(asked, 5, true)).await;
    let mut backend = opened(settings("kubevirt", &server.url(), scratch.path())).await;
    assert_eq!(hosts(&mut *backend).await[0].guests.len(), 5);
    assert_eq!(
        backend.watch(Duration::from_secs(30)).await.unwrap(),
        Watched::Changed
    );
}

#[tokio::test]
async fn one_namespace_and_no_right_to_list_nodes_are_enough() {
    let scratch = tempfile::tempdir().unwrap();
    let server = Server::start(|asked| cluster(asked, 1, false)).await;
    let plain = settings("kubevirt", &server.url(), scratch.path());
    let mut backend = opened(plain.clone()).await;
    let error = gather(&mut *backend).await.unwrap_err();
    assert!(error.to_string().contains("rights"), "{error}");
    let mut settings = plain;
    settings
        .options
        .insert("namespace".to_owned(), "tenant".to_owned());
    settings
        .options
        .insert("hypervisor_id_fallback".to_owned(), "true".to_owned());
    let mut backend = opened(settings).await;
    let hosts = hosts(&mut *backend).await;
    assert_eq!(&*hosts[0].id, "node1");
    assert!(hosts[0].facts.is_empty());
    assert!(hosts[0].guests[0].id.contains('0'));
}

#[tokio::test]
async fn a_lost_xen_session_is_made_again() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&logins);
    let server = Server::start(move |asked| {
        let text = asked.text();
        let answer = |value: &str| {
            Reply::new(200, "text/xml", format!("<methodResponse><params><param><value><struct>{value}</struct></value></param></params></methodResponse>"))
        };
        let member = |name: &str, value: &str| format!("<member><name>{name}</name><value>{value}</value></member>");
        if text.contains("login_with_password") {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            return answer(&(member("Status", "Success") + &member("Value", &format!("s{number}"))));
        }
        if text.contains(">s0<") {
            let parts = "<array><data><value>SESSION_INVALID</value><value>s0</value></data></array>";
            return answer(&(member("Status", "Failure") + &member("ErrorDescription", parts)));
        }
        answer(&(member("Status", "Success") + &member("Value", "<array><data></data></array>")))
    })
    .await;
    let mut backend = opened(settings("xen", &server.url(), std::path::Path::new("/"))).await;
    assert_eq!(hosts(&mut *backend).await, []);
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

/// A pool of one host that is gone when its guests are asked for.
#[tokio::test]
async fn a_xen_host_that_goes_while_it_is_read_is_left_out_and_not_told_without_guests() {
    let server = Server::start(move |asked| {
        let text = asked.text();
        let answer = |value: &str| {
            Reply::new(200, "text/xml", format!("<methodResponse><params><param><value><struct>{value}</struct></value></param></params></methodResponse>"))
        };
        let member = |name: &str, value: &str| format!("<member><name>{name}</name><value>{value}</value></member>");
        if text.contains("get_resident_VMs") {
            let parts = "<array><data><value>HANDLE_INVALID</value><value>host</value></data></array>";
            return answer(&(member("Status", "Failure") + &member("ErrorDescription", parts)));
        }
        let value = if text.contains("host.get_all") {
            "<array><data><value>OpaqueRef:1</value></data></array>".to_owned()
        } else if text.contains("get_record") {
            format!("<struct>{}{}</struct>", member("uuid", "u1"), member("hostname", "xen1"))
        } else {
            "s0".to_owned()
        };
        answer(&(member("Status", "Success") + &member("Value", &value)))
    })
    .await;
    let mut backend = opened(settings("xen", &server.url(), std::path::Path::new("/"))).await;
    let (report, notes) = gather(&mut *backend).await.unwrap();
    assert!(matches!(report, Report::Hosts(hosts) if hosts.is_empty()));
    assert!(
        notes[0].to_string().contains("xen1 is left out"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_continue_token_that_does_not_move_on_is_not_the_end_of_a_list() {
    let server = Server::start(|asked| match asked.path.split('?').next() {
        Some("/apis/kubevirt.io") => json_reply(&json!({"preferredVersion": {"version": "v1"}})),
        Some("/api/v1/nodes") => {
            json_reply(&json!({"metadata": {"continue": "again"}, "items": []}))
        }
        _ => json_reply(&json!({"metadata": {}, "items": []})),
    })
    .await;
    let scratch = tempfile::tempdir().unwrap();
    let mut backend = opened(settings("kubevirt", &server.url(), scratch.path())).await;
    let error = gather(&mut *backend).await.err().unwrap();
    assert!(error.to_string().contains("does not move on"), "{error}");
}

#[tokio::test]
async fn vdsm_and_kerberos_are_refused_with_what_to_do() {
    let error = kind("vdsm")
        .unwrap()
        .open(Settings::new("v", ""))
        .err()
        .unwrap();
    assert!(error.to_string().contains("type=rhevm"), "{error}");
    assert!(!error.passing());
    let mut settings = Settings::new("hv", "http://hv:5985/wsman");
    settings
        .options
        .insert("auth_method".to_owned(), "kerberos".to_owned());
    let remarks = kind("hyperv").unwrap().complete(&mut settings);
    assert!(remarks[0].text.contains("auth_method=ntlm"), "{remarks:?}");
    assert!(kind("hyperv").unwrap().open(settings).is_err());
}

/// Watching is forbidden, and a node comes: both lists are read again after each interval.
#[tokio::test]
async fn a_cluster_that_may_not_be_watched_is_read_in_intervals() {
    use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
    use airlock_virt_who::engine::{Engine, Real, Shared};
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let lists = Arc::new(AtomicUsize::new(0));
    let watches = Arc::new(AtomicUsize::new(0));
    let (listed, watched) = (Arc::clone(&lists), Arc::clone(&watches));
    let server = Server::start(move |asked| {
        if asked.query.contains("watch=true") {
            watched.fetch_add(1, Ordering::SeqCst);
            return Reply::new(403, "application/json", "{}");
        }
        if asked.path == "/api/v1/nodes" {
            listed.fetch_add(1, Ordering::SeqCst);
        }
        cluster(asked, 1, true)
    })
    .await;
    let mut made = settings("kubevirt", &server.url(), root);
    let kubeconfig = made.options.remove("kubeconfig").unwrap();
    std::fs::rename(kubeconfig, root.join("kube")).unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/a.conf"),
        "[k]\ntype=kubevirt\nkubeconfig=/kube\nairlock_server=http://127.0.0.1:1\nairlock_token=t\n",
    )
    .unwrap();
    let mut configuration = load(
        &Paths::below(root),
        &CommandLine::default(),
        &Environment::new(),
    );
    configuration.global.interval = Duration::from_secs(1);
    let state = root.join("state");
    let mut engine = Engine::new(Shared::new(
        airlock_virt_who::state::State::new(&state),
        Arc::new(airlock_model::SystemClock),
        Arc::new(Real { state }),
    ));
    engine.apply(configuration).await;
    let begun = std::time::Instant::now();
    while lists.load(Ordering::SeqCst) < 3 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it is not read again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.stop().await;
    let (lists, watches) = (lists.load(Ordering::SeqCst), watches.load(Ordering::SeqCst));
    assert!(watches <= lists, "{watches} watches for {lists} reads");
}

#[tokio::test]
async fn an_event_about_something_that_is_not_reported_is_no_change() {
    let scratch = tempfile::tempdir().unwrap();
    let server = Server::start(|asked| {
        if asked.query.contains("watch=true") {
            let event = json!({"type": "MODIFIED", "object": {"metadata": {"name": "x", "resourceVersion": "8"},
                "status": {"nodeName": "node1", "phase": "Running"}, "spec": {"domain": {"firmware": {"uuid": "0"}}}}});
            return Reply::new(200, "application/json", format!("{event}\n"));
        }
        cluster(asked, 1, true)
    })
    .await;
    let mut backend = opened(settings("kubevirt", &server.url(), scratch.path())).await;
    assert_eq!(hosts(&mut *backend).await[0].guests.len(), 1);
    assert_eq!(
        backend.watch(Duration::from_secs(30)).await.unwrap(),
        Watched::Quiet
    );
    assert!(!backend.watches(), "nodes are not watched");
}
