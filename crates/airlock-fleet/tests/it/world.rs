//! A fleet on both databases, and messages for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use airlock_db::Db;
use airlock_fleet::Fleet;
use airlock_model::{
    Actor, Cause, HypervisorAnswer, HypervisorBody, HypervisorMessage, Instant, ManualClock, OrgId,
    ReportedGuest, ReportedHost, Role,
};

pub struct World {
    pub fleet: Fleet,
    pub db: Db,
    pub clock: Arc<ManualClock>,
}

pub fn on_both<F: Future<Output = ()>>(scenario: impl Fn(World) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for postgres in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let url = match postgres {
                true => airlock_testkit::postgres::fresh_database(),
                false => folder.path().join("airlock.db").display().to_string(),
            };
            let db = Db::open(&url).await.unwrap();
            airlock_db::settings::ensure_default_organization(&db, Instant(0))
                .await
                .unwrap();
            let clock = Arc::new(ManualClock::new(Instant(1_700_000_000_000_000)));
            let fleet = Fleet::new(db.clone(), clock.clone());
            scenario(World { fleet, db, clock }).await;
            drop(folder);
        }
    });
}

pub fn actor(org: OrgId) -> Actor {
    Actor {
        org,
        principal: "token:1 (gate1)".to_owned(),
        role: Role::Download,
        request_id: "r1".to_owned(),
        cause: Cause::Request,
    }
}

/// `esx1: g1 g2` is a host with two running guests.
pub fn host(text: &str) -> ReportedHost {
    let (id, guests) = text.split_once(':').unwrap();
    ReportedHost {
        id: id.to_owned(),
        name: Some(format!("{id}.example.com")),
        uuid: None,
        cluster: Some("west".to_owned()),
        sockets: Some(2),
        facts: BTreeMap::from([("cpu.cpu_socket(s)".to_owned(), "2".into())]),
        guests: guests
            .split_whitespace()
            .map(|id| ReportedGuest {
                id: id.to_owned(),
                state: 1,
            })
            .collect(),
    }
}

pub fn hosts(texts: &[&str]) -> Vec<ReportedHost> {
    texts.iter().map(|text| host(text)).collect()
}

fn counts(hosts: &[ReportedHost]) -> (u64, u64) {
    let guests: usize = hosts.iter().map(|host| host.guests.len()).sum();
    (hosts.len() as u64, guests as u64)
}

pub fn message(sequence: u64, body: HypervisorBody) -> HypervisorMessage {
    HypervisorMessage {
        protocol: 1,
        source: "gate1/vc".to_owned(),
        reporter: "gate1".to_owned(),
        kind: "esx".to_owned(),
        id_kind: "uuid".to_owned(),
        incarnation: "life-1".to_owned(),
        sequence,
        interval: 3_600,
        body,
    }
}

pub fn full(sequence: u64, texts: &[&str]) -> HypervisorMessage {
    let hosts = hosts(texts);
    let (total_hosts, total_guests) = counts(&hosts);
    message(
        sequence,
        HypervisorBody::Full {
            part: 0,
            last: true,
            hosts,
            total_hosts,
            total_guests,
        },
    )
}

/// A difference against the message before, with the counts afterwards.
pub fn difference(
    sequence: u64,
    changed: &[&str],
    removed: &[&str],
    (total_hosts, total_guests): (u64, u64),
) -> HypervisorMessage {
    message(
        sequence,
        HypervisorBody::Difference {
            base: sequence - 1,
            changed: hosts(changed),
            removed: removed.iter().map(|id| (*id).to_owned()).collect(),
            total_hosts,
            total_guests,
        },
    )
}

impl World {
    pub async fn send(&self, message: &HypervisorMessage) -> HypervisorAnswer {
        self.fleet
            .report(&actor(OrgId::DEFAULT), message)
            .await
            .unwrap()
    }

    /// `esx1: g1 g2; esx2:`, by id.
    pub async fn state(&self) -> String {
        let mut parts = Vec::new();
        for row in self.fleet.hypervisors(OrgId::DEFAULT, false).await.unwrap() {
            let detail = self
                .fleet
                .hypervisor(OrgId::DEFAULT, &row.id.to_string())
                .await
                .unwrap();
            assert_eq!(detail.host.guests, detail.guest_list.len() as u64);
            let guests: Vec<&str> = detail.guest_list.iter().map(|g| g.uuid.as_str()).collect();
            parts.push(format!("{}: {}", row.host_id, guests.join(" ")));
        }
        parts.sort();
        parts.join("; ")
    }

    /// What happened, oldest first.
    pub async fn told(&self) -> Vec<String> {
        let mut events: Vec<String> = self
            .fleet
            .history(OrgId::DEFAULT, None, None, 1_000)
            .await
            .unwrap()
            .into_iter()
            .map(|event| {
                let words = [
                    Some(event.kind.to_string()),
                    event.guest,
                    event.from,
                    event.host,
                    (!event.detail.is_empty()).then_some(event.detail),
                ];
                let words: Vec<String> = words.into_iter().flatten().collect();
                words.join(" ").replace(".example.com", "")
            })
            .collect();
        events.reverse();
        events
    }
}

impl World {
    pub fn clock_now(&self) -> Instant {
        use airlock_model::Clock as _;
        self.clock.now()
    }
}
