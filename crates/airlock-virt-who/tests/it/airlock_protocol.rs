//! The Airlock destination against a small server that keeps the protocol's rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use airlock_model::{
    HypervisorAnswer, HypervisorBody, HypervisorMessage, HypervisorVerdict, ReportedHost,
};
use airlock_virt_who::destination::Accepted;
use airlock_virt_who::inventory::Inventory;
use airlock_virt_who::model::Hypervisor;

use crate::destination_faults::{inventory, send};
use crate::server::{Asked, Reply, Server};

#[derive(Default)]
struct Model {
    incarnation: String,
    sequence: u64,
    hosts: BTreeMap<String, ReportedHost>,
    parts: Vec<ReportedHost>,
    heard: Vec<&'static str>,
    /// So many answers are lost on the way.
    lose: usize,
}

impl Model {
    fn hear(&mut self, message: HypervisorMessage) -> HypervisorAnswer {
        assert_eq!(message.protocol, 1);
        assert!(message.source.ends_with("/one"));
        let same = message.incarnation == self.incarnation;
        let verdict = match message.body {
            HypervisorBody::Full {
                last,
                hosts,
                total_hosts,
                total_guests,
                part,
            } => {
                self.heard.push("full");
                check(&hosts);
                assert!(hosts.len() <= 500);
                if part == 0 {
                    self.parts.clear();
                }
                if same && message.sequence <= self.sequence {
                    HypervisorVerdict::Known
                } else {
                    self.parts.extend(hosts);
                    if last {
                        assert_eq!(self.parts.len() as u64, total_hosts);
                        let parts = std::mem::take(&mut self.parts);
                        assert_eq!(guests(&parts), total_guests);
                        self.hosts = parts
                            .into_iter()
                            .map(|host| (host.id.clone(), host))
                            .collect();
                        self.sequence = message.sequence;
                        self.incarnation = message.incarnation;
                        HypervisorVerdict::Applied
                    } else {
                        HypervisorVerdict::Kept
                    }
                }
            }
            HypervisorBody::Difference {
                base,
                changed,
                removed,
                total_hosts,
                total_guests,
            } => {
                self.heard.push("difference");
                check(&changed);
                if same && message.sequence <= self.sequence {
                    HypervisorVerdict::Known
                } else if !same || base != self.sequence {
                    HypervisorVerdict::SendFull
                } else {
                    for id in removed {
                        self.hosts.remove(&id);
                    }
                    for host in changed {
                        self.hosts.insert(host.id.clone(), host);
                    }
                    assert_eq!(self.hosts.len() as u64, total_hosts);
                    assert_eq!(guests(self.hosts.values()), total_guests);
                    self.sequence = message.sequence;
                    HypervisorVerdict::Applied
                }
            }
            HypervisorBody::Heartbeat { base } if !same || base != self.sequence => {
                HypervisorVerdict::SendFull
            }
            _ => HypervisorVerdict::Applied,
        };
        HypervisorAnswer {
            verdict,
            sequence: self.sequence,
            reason: None,
            warnings: Vec::new(),
        }
    }
}

fn guests<'a>(hosts: impl IntoIterator<Item = &'a ReportedHost>) -> u64 {
    hosts.into_iter().map(|host| host.guests.len() as u64).sum()
}

/// What the server takes, or the whole message is refused.
fn check(hosts: &[ReportedHost]) {
    let word =
        |text: &str| !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control);
    for (at, host) in hosts.iter().enumerate() {
        assert!(word(&host.id), "{:?}", host.id);
        assert!(host.name.as_deref().is_none_or(word), "{:?}", host.name);
        assert!(host.guests.iter().all(|guest| word(&guest.id)));
        assert!(serde_json::to_string(&host.facts).unwrap().len() <= 256 << 10);
        assert!(!hosts[..at].iter().any(|other| other.id == host.id));
    }
}

async fn server() -> (Server, Arc<Mutex<Model>>) {
    let model = Arc::new(Mutex::new(Model::default()));
    let inside = Arc::clone(&model);
    let server = Server::start(move |asked: &Asked| {
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/agent/v1/hypervisors")
        );
        if asked.header("authorization") != "Bearer token" {
            return Reply::new(
                401,
                "application/problem+json",
                "{\"title\":\"no such token\"}",
            );
        }
        let mut model = inside.lock().unwrap();
        let answer = model.hear(serde_json::from_slice(&asked.body).unwrap());
        let body = serde_json::to_vec(&answer).unwrap();
        if model.lose > 0 {
            model.lose -= 1;
            return Reply::Cut {
                headers: Vec::new(),
                body,
            };
        }
        Reply::new(200, "application/json", body)
    })
    .await;
    (server, model)
}

fn options(server: &Server) -> String {
    format!("airlock_server={}\nairlock_token=token\n", server.url())
}

#[tokio::test]
async fn a_full_report_and_then_differences() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let mut now = inventory();
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &Accepted::default(),
    )
    .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    assert!(now.replace(Hypervisor::new("esx2.example.com")));
    assert!(now.remove("esx1.example.com"));
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &sent.taken[0].accepted,
    )
    .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "difference"]);
    assert_eq!(model.hosts.keys().collect::<Vec<_>>(), ["esx2.example.com"]);
    assert_eq!(model.sequence, 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_no_harm() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let mut now = inventory();
    let first = send(
        scratch.path(),
        &options(&server),
        &now,
        &Accepted::default(),
    )
    .await;
    model.lock().unwrap().lose = 1;
    assert!(now.replace(Hypervisor::new("esx2.example.com")));
    let lost = send(
        scratch.path(),
        &options(&server),
        &now,
        &first.taken[0].accepted,
    )
    .await;
    assert!(lost.error.is_some());
    // The server has it, the agent does not know that. It goes on changing, and all is well at the end.
    assert!(now.replace(Hypervisor::new("esx3.example.com")));
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &lost.taken[0].accepted,
    )
    .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "difference", "difference", "full"]);
    assert_eq!(model.hosts.len(), 3);
}

#[tokio::test]
async fn a_server_that_forgot_gets_a_full_report_and_an_agent_that_forgot_sends_one() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let mut now = inventory();
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &Accepted::default(),
    )
    .await;
    *model.lock().unwrap() = Model::default();
    assert!(now.replace(Hypervisor::new("esx2.example.com")));
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &sent.taken[0].accepted,
    )
    .await;
    assert!(sent.error.is_none());
    assert_eq!(model.lock().unwrap().heard, ["difference", "full"]);
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &Accepted::default(),
    )
    .await;
    assert!(sent.error.is_none());
    assert_eq!(model.lock().unwrap().hosts.len(), 2);
}

#[tokio::test]
async fn thousands_of_hosts_come_in_parts() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let many = Inventory::of_hosts(
        (0..1201)
            .map(|number| Hypervisor::new(format!("h{number}")))
            .collect(),
    );
    let sent = send(
        scratch.path(),
        &options(&server),
        &many,
        &Accepted::default(),
    )
    .await;
    assert!(sent.error.is_none());
    let nothing = Inventory::default();
    let gone = send(
        scratch.path(),
        &options(&server),
        &nothing,
        &sent.taken[0].accepted,
    )
    .await;
    assert!(gone.error.is_none());
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "full", "full", "difference"]);
    assert!(model.hosts.is_empty());
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let (server, _) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let options = format!("airlock_server={}\nairlock_token=wrong\n", server.url());
    let sent = send(scratch.path(), &options, &inventory(), &Accepted::default()).await;
    assert!(sent.error.unwrap().refused());
}

#[tokio::test]
async fn the_guests_of_this_machine_are_those_of_a_host() {
    use airlock_virt_who::model::{Guest, LocalGuests, State};
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let kind: Arc<str> = "libvirt".into();
    let mut local = LocalGuests {
        guests: vec![Guest::new("g1", State::Running, &kind)],
        hypervisor_id: Some("this-host".into()),
    };
    let now = Inventory::of_local(local.clone());
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &Accepted::default(),
    )
    .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    assert!(now.equals(&sent.taken[0].accepted.digests));
    local.guests.clear();
    let now = Inventory::of_local(local);
    let sent = send(
        scratch.path(),
        &options(&server),
        &now,
        &sent.taken[0].accepted,
    )
    .await;
    assert!(sent.error.is_none(), "{:?}", sent.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "full"]);
    assert!(model.hosts["this-host"].guests.is_empty());
}

fn with_guests(id: &str, guests: &[&str]) -> Hypervisor {
    use airlock_virt_who::model::{Guest, State};
    let kind: Arc<str> = "esx".into();
    let mut host = Hypervisor::new(id);
    host.guests = guests
        .iter()
        .map(|guest| Guest::new(*guest, State::Running, &kind))
        .collect();
    host
}

#[tokio::test]
async fn of_hosts_with_one_id_the_last_is_sent_and_the_counts_fit() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let options = options(&server);
    let named = |other: &str| {
        Inventory::of_hosts(vec![
            with_guests("localhost.localdomain", &["1", "2"]),
            with_guests("b", &["3"]),
            with_guests("localhost.localdomain", &[other]),
        ])
    };
    let first = send(scratch.path(), &options, &named("4"), &Accepted::default()).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    let then = send(
        scratch.path(),
        &options,
        &named("5"),
        &first.taken[0].accepted,
    )
    .await;
    assert!(then.error.is_none(), "{:?}", then.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "difference"]);
    let last = &model.hosts["localhost.localdomain"];
    assert_eq!((last.guests.len(), last.guests[0].id.as_str()), (1, "5"));
}

#[tokio::test]
async fn a_number_that_is_used_up_takes_nothing_with_it() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let options = options(&server);
    let mut now = inventory();
    let first = send(scratch.path(), &options, &now, &Accepted::default()).await;
    let old = &first.taken[0].accepted;
    assert!(now.replace(Hypervisor::new("esx2.example.com")));
    assert!(
        send(scratch.path(), &options, &now, old)
            .await
            .error
            .is_none()
    );
    // Killed before that was written down, and the inventory goes on.
    assert!(now.remove("esx2.example.com"));
    assert!(now.replace(Hypervisor::new("esx3.example.com")));
    let again = send(scratch.path(), &options, &now, old).await;
    assert!(again.error.is_none(), "{:?}", again.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "difference", "difference", "full"]);
    assert_eq!(
        model.hosts.keys().collect::<Vec<_>>(),
        ["esx1.example.com", "esx3.example.com"]
    );
    assert_eq!(again.taken[0].accepted.marks.base, model.sequence);
}

#[tokio::test]
async fn what_the_server_does_not_take_of_one_host_does_not_keep_the_others() {
    let (server, model) = server().await;
    let scratch = tempfile::tempdir().unwrap();
    let options = options(&server);
    let mut odd = with_guests("odd", &["1", "", "a\u{0}b"]);
    odd.name = Some(format!("two\nlines {}", "ä".repeat(400)).into());
    odd.fact("much", "\u{1}".repeat(100_000));
    let mut now = Inventory::of_hosts(vec![
        with_guests("", &["2"]),
        with_guests(&"x".repeat(513), &["3"]),
        with_guests("a\tb", &["4"]),
        odd,
    ]);
    let first = send(scratch.path(), &options, &now, &Accepted::default()).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    assert!(now.equals(&first.taken[0].accepted.digests));
    assert!(now.remove("a\tb"));
    assert!(now.replace(with_guests("c\td", &[])));
    assert!(now.replace(with_guests("good", &["5", "6"])));
    let then = send(scratch.path(), &options, &now, &first.taken[0].accepted).await;
    assert!(then.error.is_none(), "{:?}", then.error);
    let model = model.lock().unwrap();
    assert_eq!(model.heard, ["full", "difference"]);
    assert_eq!(model.hosts.keys().collect::<Vec<_>>(), ["good", "odd"]);
    assert_eq!(model.hosts["odd"].guests.len(), 1);
}
