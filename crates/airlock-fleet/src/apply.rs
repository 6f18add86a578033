//! Bringing what is kept of a source to what it reports: hosts and guests that come, go, change and move.

use std::collections::{HashMap, HashSet};

use airlock_db::Tx;
use airlock_db::hypervisors::{
    self as rows, EventWrite, GuestWrite, HostWrite, KnownHost, SourceRow,
};
use airlock_model::{HypervisorEventKind, HypervisorId, Instant, ReportedHost};
use sha2::{Digest as _, Sha256};

use crate::uuid::uuid_key;
use crate::{Error, Result};

/// What a report says.
pub enum Change {
    /// All hosts of the source. `fresh`: the first report, or one whose ids have nothing to do with the ones before, so
    /// that each of its hosts and guests coming is no news.
    Full {
        /// The hosts.
        hosts: Vec<ReportedHost>,
        /// Whether single events would only be noise.
        fresh: bool,
    },
    /// What changed.
    Difference {
        /// Hosts that are new or different.
        changed: Vec<ReportedHost>,
        /// Ids of hosts that are gone.
        removed: Vec<String>,
    },
}

/// What applying came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Hosts there are now.
    pub hosts: u64,
    /// Guests there are now.
    pub guests: u64,
    /// Hosts that came.
    pub came: u64,
    /// Hosts that went.
    pub gone: u64,
    /// Hosts that changed.
    pub changed: u64,
    /// Guests that moved.
    pub moved: u64,
}

/// The guests of a host: uuid and state.
type States = Vec<(String, u8)>;

/// A guest that came to a host or went from one.
struct Step {
    host: HypervisorId,
    uuid: String,
    key: String,
}

/// Applies a change to a source that is locked.
pub async fn apply(
    tx: &mut Tx,
    source: &SourceRow,
    change: Change,
    now: Instant,
) -> Result<Applied> {
    let known = rows::known_hosts(tx, source.id).await?;
    let by_id: HashMap<&str, &KnownHost> = known.iter().map(|h| (h.host_id.as_str(), h)).collect();
    let (hosts, leaving, fresh) = match change {
        Change::Full { hosts, fresh } => {
            let there: HashSet<&str> = hosts.iter().map(|host| host.id.as_str()).collect();
            let leaving: Vec<&KnownHost> = known
                .iter()
                .filter(|host| !host.gone && !there.contains(host.host_id.as_str()))
                .collect();
            (hosts, leaving, fresh)
        }
        Change::Difference { changed, removed } => {
            let leaving: Vec<&KnownHost> = removed
                .iter()
                .filter_map(|id| by_id.get(id.as_str()).copied())
                .filter(|host| !host.gone)
                .collect();
            (changed, leaving, false)
        }
    };
    let mut applied = Applied {
        gone: leaving.len() as u64,
        ..Applied::default()
    };
    let mut events: Vec<EventWrite> = Vec::new();
    let mut came: Vec<Step> = Vec::new();
    let mut went: Vec<Step> = Vec::new();

    // Hosts that are new.
    let mut new: Vec<(HostWrite, States)> = Vec::new();
    // Hosts that are known and different.
    let mut different: Vec<(&KnownHost, HostWrite, States)> = Vec::new();
    for host in &hosts {
        let (write, guests) = written(host)?;
        match by_id.get(host.id.as_str()) {
            None => new.push((write, guests)),
            Some(before) if before.digest != write.digest || before.gone => {
                different.push((before, write, guests));
            }
            Some(_) => {}
        }
    }
    let touched: Vec<HypervisorId> = different
        .iter()
        .map(|(before, ..)| before.id)
        .chain(leaving.iter().map(|host| host.id))
        .collect();
    let mut present: HashMap<HypervisorId, HashMap<String, GuestWrite>> = HashMap::new();
    for guest in rows::guests_of(tx, &touched).await? {
        let of_host = present.entry(guest.host).or_default();
        of_host.insert(guest.uuid.clone(), guest);
    }

    for host in &leaving {
        for (uuid, guest) in present.remove(&host.id).unwrap_or_default() {
            went.push(Step {
                host: host.id,
                uuid,
                key: guest.uuid_key,
            });
        }
        rows::let_host_go(tx, host.id, now).await?;
        events.push(event(HypervisorEventKind::HostGone, host.id, String::new()));
    }

    let writes: Vec<HostWrite> = new.iter().map(|(write, _)| write.clone()).collect();
    let numbers = rows::insert_hosts(tx, source.org, source.id, &writes, now).await?;
    let mut put: Vec<GuestWrite> = Vec::new();
    for (write, guests) in new {
        let Some(id) = numbers.get(&write.host_id).copied() else {
            return Err(Error::Damaged {
                what: "a host just written",
                why: format!("{} has no number", write.host_id),
            });
        };
        applied.came += 1;
        events.push(event(HypervisorEventKind::HostCame, id, String::new()));
        for (uuid, state) in guests {
            let key = uuid_key(&uuid);
            came.push(Step {
                host: id,
                uuid: uuid.clone(),
                key: key.clone(),
            });
            put.push(GuestWrite {
                host: id,
                uuid,
                uuid_key: key,
                state,
            });
        }
    }
    for (before, write, guests) in different {
        rows::update_host(tx, before.id, &write, now).await?;
        if before.gone {
            applied.came += 1;
            events.push(event(
                HypervisorEventKind::HostCame,
                before.id,
                "again".to_owned(),
            ));
        } else {
            applied.changed += 1;
            if let Some(detail) = told(before, &write) {
                events.push(event(HypervisorEventKind::HostChanged, before.id, detail));
            }
        }
        let mut there = present.remove(&before.id).unwrap_or_default();
        for (uuid, state) in guests {
            match there.remove(&uuid) {
                Some(guest) if guest.state == state => {}
                Some(_) => rows::set_guest_state(tx, before.id, &uuid, state).await?,
                None => {
                    let key = uuid_key(&uuid);
                    came.push(Step {
                        host: before.id,
                        uuid: uuid.clone(),
                        key: key.clone(),
                    });
                    put.push(GuestWrite {
                        host: before.id,
                        uuid,
                        uuid_key: key,
                        state,
                    });
                }
            }
        }
        for (uuid, guest) in there {
            rows::delete_guest(tx, before.id, &uuid).await?;
            went.push(Step {
                host: before.id,
                uuid,
                key: guest.uuid_key,
            });
        }
    }
    rows::insert_guests(tx, source.org, &put, now).await?;

    let (steps, moved) = moves(came, went);
    applied.moved = moved;
    if fresh {
        // Each of its hosts and guests coming is no news; that they are others than before is one.
        events.retain(|event| event.kind == HypervisorEventKind::HostGone);
        if !hosts.is_empty() {
            events.push(EventWrite {
                kind: HypervisorEventKind::FirstReport,
                host: None,
                from: None,
                guest: None,
                detail: format!("{} hosts", hosts.len()),
            });
        }
    } else {
        events.extend(steps);
    }
    rows::insert_events(tx, source.org, source.id, &events, now).await?;
    (applied.hosts, applied.guests) = rows::totals(tx, source.id).await?;
    Ok(applied)
}

/// Guests that came somewhere and went elsewhere moved. Gives the events, and how many moved.
fn moves(came: Vec<Step>, went: Vec<Step>) -> (Vec<EventWrite>, u64) {
    let mut left: HashMap<String, Vec<Step>> = HashMap::new();
    for step in went {
        left.entry(step.key.clone()).or_default().push(step);
    }
    let mut events = Vec::new();
    let mut moved = 0;
    for step in came {
        let before = left.get_mut(&step.key).and_then(Vec::pop);
        // A uuid that is only spelled in another way on the same host is no event.
        if before.as_ref().is_some_and(|old| old.host == step.host) {
            continue;
        }
        moved += u64::from(before.is_some());
        events.push(EventWrite {
            kind: match before {
                Some(_) => HypervisorEventKind::GuestMoved,
                None => HypervisorEventKind::GuestCame,
            },
            host: Some(step.host),
            from: before.map(|step| step.host),
            guest: Some((step.uuid, step.key)),
            detail: String::new(),
        });
    }
    let mut gone: Vec<Step> = left.into_values().flatten().collect();
    gone.sort_by(|a, b| (a.host, &a.uuid).cmp(&(b.host, &b.uuid)));
    events.extend(gone.into_iter().map(|step| EventWrite {
        kind: HypervisorEventKind::GuestGone,
        host: Some(step.host),
        from: None,
        guest: Some((step.uuid, step.key)),
        detail: String::new(),
    }));
    (events, moved)
}

fn event(kind: HypervisorEventKind, host: HypervisorId, detail: String) -> EventWrite {
    EventWrite {
        kind,
        host: Some(host),
        from: None,
        guest: None,
        detail,
    }
}

/// A host as it is written, with its guests by uuid; one that stands twice counts once, with its last state.
fn written(host: &ReportedHost) -> Result<(HostWrite, States)> {
    let unreadable =
        |error: serde_json::Error| Error::invalid(format!("host {}: {error}", host.id));
    let mut guests: Vec<(String, u8)> = host
        .guests
        .iter()
        .map(|guest| (guest.id.clone(), guest.state))
        .collect();
    guests.sort();
    guests.reverse();
    guests.dedup_by(|a, b| a.0 == b.0);
    guests.reverse();
    let facts = serde_json::to_string(&host.facts).map_err(unreadable)?;
    let all = serde_json::to_vec(&(
        &host.id,
        &host.name,
        &host.uuid,
        &host.cluster,
        &host.sockets,
        &facts,
        &guests,
        // Doubles count in the totals of the source.
        host.guests.len(),
    ))
    .map_err(unreadable)?;
    let write = HostWrite {
        host_id: host.id.clone(),
        name: host.name.clone(),
        uuid: host.uuid.clone(),
        uuid_key: host.uuid.as_deref().map(uuid_key),
        cluster: host.cluster.clone(),
        sockets: host.sockets,
        facts,
        digest: hex::encode(Sha256::digest(all)),
        // As the source counts them, so that its totals fit.
        guests: host.guests.len() as u64,
    };
    Ok((write, guests))
}

/// What changed of a host itself, for people; its other facts and its guests do not count.
fn told(before: &KnownHost, now: &HostWrite) -> Option<String> {
    let mut lines = Vec::new();
    for (what, old, new) in [
        ("name", &before.name, &now.name),
        ("cluster", &before.cluster, &now.cluster),
        ("uuid", &before.uuid, &now.uuid),
    ] {
        if old != new {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            lines.push(format!("{what} {} → {}", shown(old), shown(new)));
        }
    }
    (!lines.is_empty()).then(|| lines.join(", "))
}
