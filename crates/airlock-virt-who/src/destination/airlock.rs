//! Airlock: the protocol of [`airlock_model::hypervisors`].

use std::collections::BTreeMap;

use airlock_model::hypervisors::{
    HYPERVISOR_FACTS_BYTES, HYPERVISOR_HOST_GUESTS, HYPERVISOR_MESSAGE_BYTES,
    HYPERVISOR_PART_HOSTS, HYPERVISOR_PROTOCOL, HYPERVISOR_REASON_BYTES, HYPERVISOR_WORD_BYTES,
};
use airlock_model::{
    HypervisorAnswer, HypervisorBody, HypervisorMessage, HypervisorVerdict, ReportedGuest,
    ReportedHost,
};
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::candlepin::retry_after;
use super::{Delivery, Destination, Error, Marks, Named, Result, Sent, Taken};
use crate::config::destinations::Airlock as To;
use crate::http::{Http, Request};
use crate::inventory::Inventory;
use crate::model::{CLUSTER, Guest, Hypervisor, LocalGuests, SOCKETS};
use crate::settings::Settings;

/// A guest in JSON has at most about this many bytes beside its id.
const GUEST_BYTES: usize = 64;

/// One Airlock server.
pub struct Airlock {
    to: To,
    http: Http,
}

impl Airlock {
    /// Makes the client.
    ///
    /// # Errors
    /// A CA file that cannot be read, an address that is none.
    pub fn new(to: &To) -> Result<Self> {
        let mut settings = Settings::new("airlock", &to.server);
        settings.prefix = "airlock_";
        settings.ca.clone_from(&to.ca);
        settings.insecure = to.insecure;
        settings.proxy = to.proxy.clone();
        settings.timeout = to.timeout;
        Ok(Self {
            http: Http::new(&settings, &to.server)?,
            to: to.clone(),
        })
    }

    fn message(&self, named: Named<'_>, sequence: u64, body: HypervisorBody) -> HypervisorMessage {
        HypervisorMessage {
            protocol: HYPERVISOR_PROTOCOL,
            source: format!("{}/{}", self.to.reporter_id, named.source),
            reporter: self.to.reporter_id.clone(),
            kind: named.kind.to_owned(),
            id_kind: named.id_kind.word().to_owned(),
            incarnation: named.marks.incarnation.clone(),
            sequence,
            interval: u32::try_from(self.to.interval.as_secs()).unwrap_or(u32::MAX),
            body,
        }
    }

    async fn post(&self, message: &HypervisorMessage) -> Result<HypervisorAnswer> {
        let doing = "the report of hosts";
        let body = serde_json::to_vec(message).map_err(|error| Error::Rejected {
            server: self.http.server().to_owned(),
            reason: format!("the report cannot be written: {error}"),
        })?;
        let request = Request::new(
            Method::POST,
            format!("{}/agent/v1/hypervisors", self.to.server),
            doing,
        )
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .secret_header(AUTHORIZATION, &format!("Bearer {}", self.to.token.reveal()))
        .body(body);
        let answer = self.http.send(request).await?;
        match answer.status.as_u16() {
            200 => serde_json::from_slice(&answer.body).map_err(|_| {
                self.http
                    .protocol(doing, "it is no answer of Airlock")
                    .into()
            }),
            401 | 403 => Err(self
                .http
                .refused(
                    problem(&answer.body).unwrap_or_else(|| "the token is not accepted".to_owned()),
                )
                .into()),
            429 | 503 => Err(Error::Busy {
                server: self.http.server().to_owned(),
                after: retry_after(&answer),
            }),
            _ => match problem(&answer.body) {
                Some(reason) => Err(Error::Rejected {
                    server: self.http.server().to_owned(),
                    reason: format!("{reason} (HTTP status {})", answer.status.as_u16()),
                }),
                None => Err(self.http.status(doing, answer.status).into()),
            },
        }
    }

    /// A full report with the next sequence.
    async fn full(&self, delivery: &Delivery<'_>, marks: &mut Marks) -> Result<HypervisorAnswer> {
        marks.sequence += 1;
        let (hosts, total_hosts, total_guests) = takeable(delivery.inventory);
        let parts = parts(&hosts);
        let count = parts.len();
        let mut answer = None;
        for (number, part) in parts.into_iter().enumerate() {
            let body = HypervisorBody::Full {
                part: u32::try_from(number).unwrap_or(u32::MAX),
                last: number + 1 == count,
                hosts: part.iter().map(|host| reported(host)).collect(),
                total_hosts,
                total_guests,
            };
            let message = self.message(named(delivery, marks), marks.sequence, body);
            let said = self.post(&message).await?;
            let known = said.verdict == HypervisorVerdict::Known;
            let again = said.verdict == HypervisorVerdict::SendFull;
            answer = Some(said);
            if again || (known && number + 1 < count) {
                break;
            }
        }
        answer.ok_or_else(|| {
            self.http
                .protocol("the report of hosts", "no part was sent")
                .into()
        })
    }

    async fn difference(
        &self,
        delivery: &Delivery<'_>,
        marks: &mut Marks,
    ) -> Result<Option<HypervisorAnswer>> {
        let (changed, removed) = delivery.inventory.difference(&delivery.accepted.digests);
        let changed: Vec<&Hypervisor> = changed.into_iter().filter(|host| sendable(host)).collect();
        let removed: Vec<&str> = removed.into_iter().filter(|id| usable(id)).collect();
        let bytes = changed.iter().map(|host| size(host)).sum::<usize>()
            + removed.iter().map(|id| id.len() + 4).sum::<usize>();
        if changed.len() > HYPERVISOR_PART_HOSTS || bytes > HYPERVISOR_MESSAGE_BYTES / 2 {
            return Ok(None);
        }
        marks.sequence += 1;
        // Looking at every guest again would take longer than all the rest.
        let (total_hosts, total_guests) = if delivery.inventory.is_plain() {
            delivery.inventory.counts()
        } else {
            let (_, hosts, guests) = takeable(delivery.inventory);
            (hosts, guests)
        };
        let body = HypervisorBody::Difference {
            base: marks.base,
            changed: changed.iter().map(|host| reported(host)).collect(),
            removed: removed.iter().map(|id| (*id).to_owned()).collect(),
            total_hosts,
            total_guests,
        };
        let message = self.message(named(delivery, marks), marks.sequence, body);
        self.post(&message).await.map(Some)
    }

    async fn deliver(&self, delivery: &Delivery<'_>, marks: &mut Marks) -> Result<Vec<String>> {
        let own;
        let whole;
        let delivery = match &delivery.inventory.local {
            // The machine itself is a host as well.
            Some(local) => {
                own = Inventory::of_hosts(vec![this_machine(local)]);
                whole = Delivery {
                    inventory: &own,
                    ..*delivery
                };
                marks.base = 0;
                &whole
            }
            None => delivery,
        };
        if marks.incarnation.is_empty() {
            marks.incarnation = hex::encode(rand::random::<[u8; 16]>());
        }
        if marks.base > 0
            && delivery.accepted.id_kind.as_deref() == Some(delivery.id_kind.word())
            && let Some(answer) = self.difference(delivery, marks).await?
        {
            match answer.verdict {
                HypervisorVerdict::Applied => {
                    marks.base = marks.sequence;
                    return Ok(answer.warnings);
                }
                // The number is used up by another message: this life was stopped before it wrote that down, or its state
                // is an older copy. What that message said is not known, so nothing counts as taken.
                HypervisorVerdict::Known => marks.sequence = marks.sequence.max(answer.sequence),
                _ => tracing::info!(
                    source = delivery.source,
                    reason = answer.reason.as_deref().unwrap_or(""),
                    "the server asks for a full report"
                ),
            }
        }
        // The server may know higher numbers than this state does.
        for _ in 0..2 {
            let answer = self.full(delivery, marks).await?;
            match answer.verdict {
                HypervisorVerdict::Applied => {
                    marks.base = marks.sequence;
                    return Ok(answer.warnings);
                }
                _ => marks.sequence = marks.sequence.max(answer.sequence),
            }
        }
        Err(self
            .http
            .protocol("the report of hosts", "a full report was not applied")
            .into())
    }
}

#[async_trait]
impl Destination for Airlock {
    fn takes_differences(&self) -> bool {
        true
    }

    async fn check(&mut self) -> Result<String> {
        // A message of a protocol that nobody has is refused after the token was looked at, and changes nothing.
        let marks = Marks::default();
        let nobody = Named {
            source: "",
            kind: "",
            id_kind: crate::model::IdKind::Uuid,
            marks: &marks,
        };
        let mut message = self.message(nobody, 0, HypervisorBody::Heartbeat { base: 0 });
        message.protocol = 0;
        match self.post(&message).await {
            Ok(_) | Err(Error::Rejected { .. }) => Ok("Airlock".to_owned()),
            Err(error) => Err(error),
        }
    }

    async fn heartbeat(&mut self, sources: &[Named<'_>]) -> Result<Vec<String>> {
        let mut forgotten = Vec::new();
        let mut rejected = None;
        for named in sources.iter().filter(|named| named.marks.base > 0) {
            let base = named.marks.base;
            let body = HypervisorBody::Heartbeat { base };
            let message = self.message(*named, named.marks.sequence, body);
            match self.post(&message).await {
                Ok(answer) if answer.verdict == HypervisorVerdict::SendFull => {
                    forgotten.push(named.source.to_owned());
                }
                Ok(_) => {}
                Err(error @ Error::Rejected { .. }) => rejected = Some(error),
                Err(error) => return Err(error),
            }
        }
        match rejected {
            Some(error) if forgotten.is_empty() => Err(error),
            _ => Ok(forgotten),
        }
    }

    async fn send(&mut self, deliveries: &[Delivery<'_>]) -> Sent {
        let mut sent = Sent::default();
        for delivery in deliveries {
            let mut marks = delivery.accepted.marks.clone();
            match self.deliver(delivery, &mut marks).await {
                Ok(remarks) => {
                    let mut taken = Taken::whole(delivery, marks);
                    taken.remarks = remarks;
                    sent.taken.push(taken);
                }
                Err(error) => {
                    // The number is used up whatever became of the message.
                    let mut accepted = delivery.accepted.clone();
                    accepted.marks = marks;
                    sent.taken.push(Taken {
                        source: delivery.source.to_owned(),
                        accepted,
                        job: None,
                        remarks: Vec::new(),
                    });
                    // What the server does not take of one source does not keep it from the others.
                    let ends = !matches!(error, Error::Rejected { .. });
                    sent.error = Some(error);
                    if ends {
                        break;
                    }
                }
            }
        }
        sent
    }

    async fn silent(&mut self, source: Named<'_>, reason: &str) -> Result<()> {
        if source.marks.incarnation.is_empty() {
            return Ok(());
        }
        let body = HypervisorBody::Silent {
            reason: clean(reason, HYPERVISOR_REASON_BYTES),
        };
        self.post(&self.message(source, source.marks.sequence, body))
            .await?;
        Ok(())
    }

    async fn retire(&mut self, source: Named<'_>) -> Result<Option<&'static str>> {
        if source.marks.incarnation.is_empty() {
            return Ok(None);
        }
        let mut sequence = source.marks.sequence + 1;
        let answer = self
            .post(&self.message(source, sequence, HypervisorBody::Retire))
            .await?;
        if answer.verdict == HypervisorVerdict::Known {
            // The number was used up, or the source is retired already: then it is answered so once more.
            sequence = sequence.max(answer.sequence) + 1;
            self.post(&self.message(source, sequence, HypervisorBody::Retire))
                .await?;
        }
        Ok(None)
    }
}

fn named<'a>(delivery: &'a Delivery<'_>, marks: &'a Marks) -> Named<'a> {
    Named {
        source: delivery.source,
        kind: delivery.kind,
        id_kind: delivery.id_kind,
        marks,
    }
}

/// Whether the server takes a text as an id.
fn usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= HYPERVISOR_WORD_BYTES && !id.chars().any(char::is_control)
}

/// Whether the server takes the host; one that it does not take is left out, so that the others arrive.
fn sendable(host: &Hypervisor) -> bool {
    let usable = usable(&host.id);
    if !usable {
        tracing::warn!(
            "The host {:?} ({:?}) is left out: its id is empty, has control characters or over {HYPERVISOR_WORD_BYTES} bytes",
            clean(&host.id, 80),
            host.name
        );
    }
    usable
}

/// The guests that the server takes.
fn guests(host: &Hypervisor) -> impl Iterator<Item = &Guest> {
    host.guests
        .iter()
        .filter(|guest| usable(&guest.id))
        .take(HYPERVISOR_HOST_GUESTS)
}

/// The hosts that the server takes, how many they are, and how many guests they have.
fn takeable(inventory: &Inventory) -> (Vec<&Hypervisor>, u64, u64) {
    let mut hosts = inventory.distinct();
    hosts.retain(|host| usable(&host.id));
    let total = hosts.iter().map(|host| guests(host).count() as u64).sum();
    let count = hosts.len() as u64;
    (hosts, count, total)
}

/// A text for people: without control characters, cut to so many bytes.
fn clean(text: &str, bytes: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if out.len() + c.len_utf8() > bytes {
            break;
        }
        out.push(c);
    }
    out
}

/// The facts; none when they are more than the server takes.
fn facts(host: &Hypervisor) -> BTreeMap<String, serde_json::Value> {
    let facts: BTreeMap<String, serde_json::Value> = host
        .facts
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    let fits = serde_json::to_vec(&facts).is_ok_and(|json| json.len() <= HYPERVISOR_FACTS_BYTES);
    if fits { facts } else { BTreeMap::new() }
}

fn size(host: &Hypervisor) -> usize {
    let guests: usize = host
        .guests
        .iter()
        .map(|guest| guest.id.len() + GUEST_BYTES)
        .sum();
    let facts: usize = host
        .facts
        .iter()
        .map(|(name, value)| name.len() + value.as_str().map_or(16, str::len) + 8)
        .sum();
    guests + facts + host.id.len() + 256
}

/// Hosts cut into messages; at least one, so that nothing can be said too.
fn parts<'a>(hosts: &[&'a Hypervisor]) -> Vec<Vec<&'a Hypervisor>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for host in hosts {
        let more = size(host);
        let full = parts.last().is_some_and(|part: &Vec<_>| {
            part.len() >= HYPERVISOR_PART_HOSTS
                || (!part.is_empty() && bytes + more > HYPERVISOR_MESSAGE_BYTES / 2)
        });
        if full {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += more;
        if let Some(part) = parts.last_mut() {
            part.push(*host);
        }
    }
    parts
}

fn reported(host: &Hypervisor) -> ReportedHost {
    let text = |name: &str| {
        host.facts
            .get(name)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    };
    let word = |text: &str| clean(text, HYPERVISOR_WORD_BYTES);
    ReportedHost {
        id: host.id.to_string(),
        name: host.name.as_deref().map(word),
        uuid: host.system_uuid().map(word),
        cluster: text(CLUSTER).as_deref().map(word),
        sockets: text(SOCKETS).and_then(|sockets| sockets.parse().ok()),
        facts: facts(host),
        guests: guests(host)
            .map(|guest| ReportedGuest {
                id: guest.id.to_string(),
                state: guest.state.number(),
            })
            .collect(),
    }
}

/// The machine that the program runs on, with its guests.
fn this_machine(local: &LocalGuests) -> Hypervisor {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let mut host = Hypervisor::new(
        local
            .hypervisor_id
            .clone()
            .unwrap_or_else(|| name.as_str().into()),
    );
    host.name = Some(name.into());
    host.guests.clone_from(&local.guests);
    host
}

/// The text of a problem document.
fn problem(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    ["detail", "title"]
        .iter()
        .find_map(|name| body.get(*name)?.as_str())
        .map(str::to_owned)
}
