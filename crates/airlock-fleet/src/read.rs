//! Questions: sources, hosts, guests, history.

use std::collections::{BTreeMap, HashMap};

use airlock_db::audit;
use airlock_db::hypervisors::{self as rows, HostRow, SourceRow, Whose};
use airlock_model::{
    Actor, GuestPlace, HypervisorDetail, HypervisorEvent, HypervisorId, HypervisorRow,
    HypervisorSource, Instant, OrgId, SourceId, SourceState,
};
use serde_json::json;

use crate::uuid::uuid_key;
use crate::{Error, Fleet, Result};

/// Intervals without a word after which a source is stale.
const PATIENCE: i64 = 3;

impl Fleet {
    /// The sources of an organization, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sources(&self, org: OrgId) -> Result<Vec<HypervisorSource>> {
        let now = self.now();
        let sources = rows::sources(&self.db, org).await?;
        Ok(sources.into_iter().map(|row| told(row, now)).collect())
    }

    /// Hosts, by cluster, name and id; with `gone` also those that went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hypervisors(&self, org: OrgId, gone: bool) -> Result<Vec<HypervisorRow>> {
        let sources = self.by_id(org).await?;
        let hosts = rows::hosts(&self.db, org, gone).await?;
        let mut list: Vec<HypervisorRow> = hosts
            .iter()
            .filter_map(|host| Some(row(host, sources.get(&host.source)?)))
            .collect();
        list.sort_by(|a, b| {
            let key = |row: &HypervisorRow| {
                (
                    row.cluster.clone(),
                    row.shown().to_lowercase(),
                    row.host_id.clone(),
                )
            };
            key(a).cmp(&key(b)).then(a.id.cmp(&b.id))
        });
        Ok(list)
    }

    /// One host with facts and guests: by its number, or by name, id or uuid when only one has it.
    ///
    /// # Errors
    /// [`Error::Unknown`] when none has it, [`Error::Invalid`] when several have.
    pub async fn hypervisor(&self, org: OrgId, named: &str) -> Result<HypervisorDetail> {
        let host = self.find(org, named).await?;
        let sources = self.by_id(org).await?;
        let source = sources.get(&host.source).ok_or_else(|| unknown(named))?;
        let facts: BTreeMap<String, serde_json::Value> = serde_json::from_str(&host.facts)
            .map_err(|error| Error::Damaged {
                what: "the facts of a host",
                why: error.to_string(),
            })?;
        let name = host.name.as_deref().unwrap_or_default();
        let key = host.uuid_key.as_deref().unwrap_or_default();
        let others = rows::hosts_called(&self.db, org, name, key).await?;
        let doubles = others
            .iter()
            .filter(|other| other.id != host.id && host.gone.is_none() && other.gone.is_none())
            .filter(|other| {
                (other.name.is_some() && other.name == host.name)
                    || (other.uuid_key.is_some() && other.uuid_key == host.uuid_key)
            })
            .map(|other| {
                let name = other.name.as_deref().unwrap_or(&other.host_id);
                format!("{} {name} ({})", other.id, other.host_id)
            });
        Ok(HypervisorDetail {
            doubles: doubles.collect(),
            facts,
            guest_list: rows::guests(&self.db, host.id).await?,
            host: row(&host, source),
        })
    }

    /// Where a guest is, by its uuid in any spelling and byte order. Several places when several sources report it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn guest(&self, org: OrgId, uuid: &str) -> Result<Vec<GuestPlace>> {
        let sources = self.by_id(org).await?;
        let mut places = Vec::new();
        for (host, guest) in rows::places(&self.db, org, &uuid_key(uuid)).await? {
            let Some(host) = rows::find_host(&self.db, org, host).await? else {
                continue;
            };
            if let Some(source) = sources.get(&host.source) {
                places.push(GuestPlace {
                    guest,
                    host: row(&host, source),
                });
            }
        }
        Ok(places)
    }

    /// What happened, newest first: to everything, to a host (named as for [`Self::hypervisor`]), or to a guest.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a host that is not known.
    pub async fn history(
        &self,
        org: OrgId,
        host: Option<&str>,
        guest: Option<&str>,
        most: u32,
    ) -> Result<Vec<HypervisorEvent>> {
        let whose = match (host, guest) {
            (Some(host), _) => Whose::Host(self.find(org, host).await?.id),
            (None, Some(guest)) => Whose::Guest(uuid_key(guest)),
            (None, None) => Whose::All,
        };
        Ok(rows::events(&self.db, org, &whose, most).await?)
    }

    /// Forgets a source with its hosts, guests and history.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is none of that name.
    pub async fn forget_source(&self, actor: &Actor, name: &str) -> Result<()> {
        let known = rows::sources(&self.db, actor.org).await?;
        let source = known.into_iter().find(|source| source.name == name);
        let source = source.ok_or_else(|| Error::Unknown {
            what: format!("there is no source {name}"),
            hint: "airlock hypervisor sources lists them",
        })?;
        let mut tx = self.db.begin().await?;
        rows::forget_source(&mut tx, actor.org, source.id).await?;
        let detail = json!({"hosts": source.hosts, "guests": source.guests});
        audit::append(
            &mut tx,
            actor,
            self.now(),
            "hypervisors-forget",
            name,
            &detail,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn by_id(&self, org: OrgId) -> Result<HashMap<SourceId, SourceRow>> {
        let sources = rows::sources(&self.db, org).await?;
        Ok(sources.into_iter().map(|row| (row.id, row)).collect())
    }

    async fn find(&self, org: OrgId, named: &str) -> Result<HostRow> {
        if let Ok(number) = named.parse::<i64>()
            && let Some(host) = rows::find_host(&self.db, org, HypervisorId(number)).await?
        {
            return Ok(host);
        }
        let mut found = rows::hosts_called(&self.db, org, named, &uuid_key(named)).await?;
        // One that is there comes before those that went.
        if found.iter().any(|host| host.gone.is_none()) {
            found.retain(|host| host.gone.is_none());
        }
        if found.len() > 1 {
            let numbers: Vec<String> = found.iter().map(|host| host.id.to_string()).collect();
            return Err(Error::Invalid {
                what: format!("{named} is the name of hosts {}", numbers.join(", ")),
                hint: "name one by its number: airlock hypervisor list shows them",
            });
        }
        found.pop().ok_or_else(|| unknown(named))
    }
}

fn unknown(named: &str) -> Error {
    Error::Unknown {
        what: format!("there is no hypervisor {named}"),
        hint: "airlock hypervisor list shows them; --gone also those that went",
    }
}

fn told(row: SourceRow, now: Instant) -> HypervisorSource {
    let longest = PATIENCE * i64::from(row.interval) * 1_000_000;
    let state = if row.retired.is_some() {
        SourceState::Retired
    } else if now.0 - row.heard.0 > longest {
        SourceState::Stale
    } else if row.silent.is_some() {
        SourceState::Silent
    } else {
        SourceState::Reporting
    };
    HypervisorSource {
        id: row.id,
        name: row.name,
        reporter: row.reporter,
        kind: row.kind,
        id_kind: row.id_kind,
        state,
        reason: row.silent,
        hosts: row.hosts,
        guests: row.guests,
        heard: row.heard,
        reported: row.reported,
    }
}

fn row(host: &HostRow, source: &SourceRow) -> HypervisorRow {
    HypervisorRow {
        id: host.id,
        host_id: host.host_id.clone(),
        name: host.name.clone(),
        uuid: host.uuid.clone(),
        cluster: host.cluster.clone(),
        sockets: host.sockets,
        guests: host.guests,
        running: host.running,
        source: source.name.clone(),
        kind: source.kind.clone(),
        first_seen: host.first,
        // While a source is silent nobody knows: its last report counts.
        last_seen: match (host.gone, &source.silent) {
            (Some(gone), _) => gone,
            (None, None) => source.heard,
            (None, Some(_)) => source.reported.unwrap_or(source.heard),
        },
        gone: host.gone,
    }
}

/// Hosts of one name or uuid, as warnings.
pub fn doubles_of(alike: &[(HypervisorId, String, Option<String>, Option<String>)]) -> Vec<String> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut uuids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, id, name, uuid) in alike {
        if let Some(name) = name {
            names.entry(name).or_default().push(id);
        }
        if let Some(uuid) = uuid {
            uuids.entry(uuid).or_default().push(id);
        }
    }
    let mut warnings = Vec::new();
    for (what, groups) in [("uuid", uuids), ("name", names)] {
        for (value, ids) in groups {
            if ids.len() > 1 {
                warnings.push(format!(
                    "hosts {} have the same {what} {value}",
                    shown(&ids)
                ));
            }
        }
    }
    warnings
}

fn shown(ids: &[&str]) -> String {
    const SHOWN: usize = 5;
    match ids.len() {
        0..=SHOWN => ids.join(", "),
        many => format!("{} and {} more", ids[..SHOWN].join(", "), many - SHOWN),
    }
}
