//! Hosts, guests and their history as they are shown.

use airlock_model::{GuestRow, HypervisorEvent, HypervisorId, Instant, OrgId, SourceId};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{count, state};
use crate::{Db, Error, Result};

/// A host as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// Its number.
    pub id: HypervisorId,
    /// Its source.
    pub source: SourceId,
    /// Its id at its source.
    pub host_id: String,
    /// Its name.
    pub name: Option<String>,
    /// The uuid of its hardware.
    pub uuid: Option<String>,
    /// What that is found by.
    pub uuid_key: Option<String>,
    /// Its cluster.
    pub cluster: Option<String>,
    /// Sockets.
    pub sockets: Option<u32>,
    /// Facts, as JSON.
    pub facts: String,
    /// Guests on it.
    pub guests: u64,
    /// Guests on it that run.
    pub running: u64,
    /// When it was first reported.
    pub first: Instant,
    /// When it went.
    pub gone: Option<Instant>,
}

const HOST: &str = "SELECT h.id, h.source_id, h.host_id, h.name, h.uuid, h.uuid_key, h.cluster, h.sockets, h.facts, h.guests, \
     (SELECT COUNT(*) FROM guest g WHERE g.hypervisor_id = h.id AND g.state = 1), h.first_us, h.gone_us FROM hypervisor h";

fn host(row: &AnyRow) -> Result<HostRow> {
    Ok(HostRow {
        id: HypervisorId(row.try_get(0)?),
        source: SourceId(row.try_get(1)?),
        host_id: row.try_get(2)?,
        name: row.try_get(3)?,
        uuid: row.try_get(4)?,
        uuid_key: row.try_get(5)?,
        cluster: row.try_get(6)?,
        sockets: row
            .try_get::<Option<i64>, _>(7)?
            .and_then(|number| u32::try_from(number).ok()),
        facts: row.try_get(8)?,
        guests: count(row, 9)?,
        running: count(row, 10)?,
        first: Instant(row.try_get(11)?),
        gone: row.try_get::<Option<i64>, _>(12)?.map(Instant),
    })
}

/// Hosts of an organization; with `gone` also those that went.
pub async fn hosts(db: &Db, org: OrgId, gone: bool) -> Result<Vec<HostRow>> {
    let there = if gone { "" } else { " AND h.gone_us IS NULL" };
    let text = format!("{HOST} WHERE h.org_id = $1{there}");
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(host).collect()
}

/// Hosts that have a text as id or name, or a key as uuid; those that went, too.
pub async fn hosts_called(db: &Db, org: OrgId, text: &str, key: &str) -> Result<Vec<HostRow>> {
    let text_of = format!(
        "{HOST} WHERE h.org_id = $1 AND (h.host_id = $2 OR h.name = $2 OR h.uuid_key = $3) ORDER BY h.id"
    );
    let rows = sqlx::query(AssertSqlSafe(text_of))
        .bind(org.0)
        .bind(text)
        .bind(key)
        .fetch_all(db.reader())
        .await?;
    rows.iter().map(host).collect()
}

/// One host of an organization.
pub async fn find_host(db: &Db, org: OrgId, id: HypervisorId) -> Result<Option<HostRow>> {
    let text = format!("{HOST} WHERE h.org_id = $1 AND h.id = $2");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(id.0)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(host).transpose()
}

/// The guests of a host, by uuid.
pub async fn guests(db: &Db, id: HypervisorId) -> Result<Vec<GuestRow>> {
    let rows = sqlx::query("SELECT uuid, state, since_us FROM guest WHERE hypervisor_id = $1")
        .bind(id.0)
        .fetch_all(db.reader())
        .await?;
    let mut list: Vec<GuestRow> = rows
        .iter()
        .map(|row| guest(row, 0))
        .collect::<Result<_>>()?;
    list.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    Ok(list)
}

fn guest(row: &AnyRow, first: usize) -> Result<GuestRow> {
    Ok(GuestRow {
        uuid: row.try_get(first)?,
        state: state(row, first + 1)?,
        since: Instant(row.try_get(first + 2)?),
    })
}

/// Where a guest is: one host each for hosts of several sources that have it.
pub async fn places(db: &Db, org: OrgId, key: &str) -> Result<Vec<(HypervisorId, GuestRow)>> {
    let rows = sqlx::query(
        "SELECT hypervisor_id, uuid, state, since_us FROM guest WHERE org_id = $1 AND uuid_key = $2 ORDER BY hypervisor_id",
    )
    .bind(org.0)
    .bind(key)
    .fetch_all(db.reader())
    .await?;
    rows.iter()
        .map(|row| Ok((HypervisorId(row.try_get(0)?), guest(row, 1)?)))
        .collect()
}

/// Whose history is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// All of the organization.
    All,
    /// A host: what came to it and went from it.
    Host(HypervisorId),
    /// A guest, by its key.
    Guest(String),
}

/// What happened, newest first.
pub async fn events(db: &Db, org: OrgId, whose: &Whose, most: u32) -> Result<Vec<HypervisorEvent>> {
    let condition = match whose {
        Whose::All => "",
        Whose::Host(_) => " AND (e.hypervisor_id = $3 OR e.other_id = $3)",
        Whose::Guest(_) => " AND e.guest_key = $3",
    };
    let text = format!(
        "SELECT e.at_us, e.kind, s.name, COALESCE(h.name, h.host_id), COALESCE(o.name, o.host_id), e.guest, e.detail \
         FROM hypervisor_event e JOIN hypervisor_source s ON s.id = e.source_id \
         LEFT JOIN hypervisor h ON h.id = e.hypervisor_id LEFT JOIN hypervisor o ON o.id = e.other_id \
         WHERE e.org_id = $1{condition} ORDER BY e.id DESC LIMIT $2"
    );
    let mut query = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(i64::from(most));
    query = match whose {
        Whose::All => query,
        Whose::Host(id) => query.bind(id.0),
        Whose::Guest(key) => query.bind(key.clone()),
    };
    let rows = query.fetch_all(db.reader()).await?;
    rows.iter()
        .map(|row| {
            let kind: String = row.try_get(1)?;
            Ok(HypervisorEvent {
                at: Instant(row.try_get(0)?),
                kind: kind
                    .parse()
                    .map_err(|e: String| Error::bad("kind of event", e))?,
                source: row.try_get(2)?,
                host: row.try_get(3)?,
                from: row.try_get(4)?,
                guest: row.try_get(5)?,
                detail: row.try_get(6)?,
            })
        })
        .collect()
}
