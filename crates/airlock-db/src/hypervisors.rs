//! Hypervisors: sources, parts of reports, hosts, guests and what happened to them.
//!
//! `uuid_key` is what uuids are found by: the domain makes it, so that both byte orders of a uuid have the same one.

mod read;

use std::collections::HashMap;

use airlock_model::{HypervisorEventKind, HypervisorId, Instant, OrgId, SourceId};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::dialect::Dialect;
use crate::{Db, Error, Result, Tx};

pub use read::{HostRow, Whose, events, find_host, guests, hosts, hosts_called, places};

/// A source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// Its organization.
    pub org: OrgId,
    /// `REPORTER/SECTION`.
    pub name: String,
    /// The agent's machine.
    pub reporter: String,
    /// The kind of backend.
    pub kind: String,
    /// What ids of its hosts are.
    pub id_kind: String,
    /// Which life of the agent's state spoke last.
    pub incarnation: String,
    /// The last message of it that was applied.
    pub sequence: u64,
    /// Seconds between two messages at most.
    pub interval: u32,
    /// Hosts.
    pub hosts: u64,
    /// Guests.
    pub guests: u64,
    /// When anything was last heard of it.
    pub heard: Instant,
    /// When a report was last applied.
    pub reported: Option<Instant>,
    /// Why it cannot be read.
    pub silent: Option<String>,
    /// When it was retired.
    pub retired: Option<Instant>,
}

const SOURCE: &str = "SELECT id, org_id, name, reporter, kind, id_kind, incarnation, sequence, interval_s, hosts, guests, \
     heard_us, reported_us, silent, retired_us FROM hypervisor_source";

fn count(row: &AnyRow, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}

fn wide(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::bad("number", format!("{number} is too large")))
}

fn source(row: &AnyRow) -> Result<SourceRow> {
    Ok(SourceRow {
        id: SourceId(row.try_get(0)?),
        org: OrgId(row.try_get(1)?),
        name: row.try_get(2)?,
        reporter: row.try_get(3)?,
        kind: row.try_get(4)?,
        id_kind: row.try_get(5)?,
        incarnation: row.try_get(6)?,
        sequence: count(row, 7)?,
        interval: u32::try_from(count(row, 8)?).unwrap_or(u32::MAX),
        hosts: count(row, 9)?,
        guests: count(row, 10)?,
        heard: Instant(row.try_get(11)?),
        reported: row.try_get::<Option<i64>, _>(12)?.map(Instant),
        silent: row.try_get(13)?,
        retired: row.try_get::<Option<i64>, _>(14)?.map(Instant),
    })
}

/// The source of a name, made when it is not there, and locked until the change ends: reports of one source are taken one
/// after the other.
pub async fn lock_source(tx: &mut Tx, org: OrgId, name: &str, now: Instant) -> Result<SourceRow> {
    sqlx::query(
        "INSERT INTO hypervisor_source (org_id, name, reporter, kind, id_kind, incarnation, sequence, interval_s, hosts, guests, \
         created_us, heard_us) VALUES ($1, $2, '', '', '', '', 0, 0, 0, 0, $3, $3) ON CONFLICT (org_id, name) DO NOTHING",
    )
    .bind(org.0)
    .bind(name)
    .bind(now.0)
    .execute(&mut *tx.inner)
    .await?;
    let lock = tx.dialect.for_update();
    let text = format!("{SOURCE} WHERE org_id = $1 AND name = $2{lock}");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(org.0)
        .bind(name)
        .fetch_one(&mut *tx.inner)
        .await?;
    source(&row)
}

/// Writes what is known of a source.
pub async fn set_source(tx: &mut Tx, row: &SourceRow) -> Result<()> {
    sqlx::query(
        "UPDATE hypervisor_source SET reporter = $1, kind = $2, id_kind = $3, incarnation = $4, sequence = $5, interval_s = $6, \
         hosts = $7, guests = $8, heard_us = $9, reported_us = $10, silent = $11, retired_us = $12 WHERE id = $13",
    )
    .bind(&row.reporter)
    .bind(&row.kind)
    .bind(&row.id_kind)
    .bind(&row.incarnation)
    .bind(wide(row.sequence)?)
    .bind(i64::from(row.interval))
    .bind(wide(row.hosts)?)
    .bind(wide(row.guests)?)
    .bind(row.heard.0)
    .bind(row.reported.map(|at| at.0))
    .bind(row.silent.as_deref())
    .bind(row.retired.map(|at| at.0))
    .bind(row.id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// The sources of an organization, by name.
pub async fn sources(db: &Db, org: OrgId) -> Result<Vec<SourceRow>> {
    let rows = sqlx::query(AssertSqlSafe(format!("{SOURCE} WHERE org_id = $1")))
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    let mut list: Vec<SourceRow> = rows.iter().map(source).collect::<Result<_>>()?;
    // Ordered here: a PostgreSQL database may order texts by a language.
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}

/// A part of a full report that waits for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    /// The life of the agent's state that sent it.
    pub incarnation: String,
    /// The report that it is of.
    pub sequence: u64,
    /// Its number.
    pub part: u32,
    /// Its hosts, as the domain packs them.
    pub hosts: Vec<u8>,
}

/// Keeps a part; one of the same number is replaced.
pub async fn put_part(tx: &mut Tx, source: SourceId, part: &PartRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO hypervisor_part (source_id, incarnation, sequence, part, hosts) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (source_id, part) DO UPDATE SET incarnation = excluded.incarnation, sequence = excluded.sequence, \
         hosts = excluded.hosts",
    )
    .bind(source.0)
    .bind(&part.incarnation)
    .bind(wide(part.sequence)?)
    .bind(i64::from(part.part))
    .bind(part.hosts.as_slice())
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// The parts that a source has waiting, by number.
pub async fn parts(tx: &mut Tx, source: SourceId) -> Result<Vec<PartRow>> {
    let rows = sqlx::query(
        "SELECT incarnation, sequence, part, hosts FROM hypervisor_part WHERE source_id = $1 ORDER BY part",
    )
    .bind(source.0)
    .fetch_all(&mut *tx.inner)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(PartRow {
                incarnation: row.try_get(0)?,
                sequence: count(row, 1)?,
                part: u32::try_from(count(row, 2)?).unwrap_or(u32::MAX),
                hosts: row.try_get(3)?,
            })
        })
        .collect()
}

/// Drops the parts of a source: all, or those of other reports than one.
pub async fn drop_parts(tx: &mut Tx, source: SourceId, but: Option<(&str, u64)>) -> Result<()> {
    let (incarnation, sequence) = but.unwrap_or(("", 0));
    sqlx::query(
        "DELETE FROM hypervisor_part WHERE source_id = $1 AND NOT (incarnation = $2 AND sequence = $3)",
    )
    .bind(source.0)
    .bind(incarnation)
    .bind(wide(sequence)?)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// A host as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWrite {
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
    /// All facts, as JSON.
    pub facts: String,
    /// SHA-256 over all of it, guests included.
    pub digest: String,
    /// Number of guests.
    pub guests: u64,
}

/// A host that a source has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    /// Its number.
    pub id: HypervisorId,
    /// Its id at its source.
    pub host_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its cluster.
    pub cluster: Option<String>,
    /// The uuid of its hardware.
    pub uuid: Option<String>,
    /// SHA-256 over all of it.
    pub digest: String,
    /// Whether it is gone.
    pub gone: bool,
}

/// All hosts of a source, gone ones included.
pub async fn known_hosts(tx: &mut Tx, source: SourceId) -> Result<Vec<KnownHost>> {
    let rows = sqlx::query(
        "SELECT id, host_id, name, cluster, uuid, digest, gone_us FROM hypervisor WHERE source_id = $1",
    )
    .bind(source.0)
    .fetch_all(&mut *tx.inner)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(KnownHost {
                id: HypervisorId(row.try_get(0)?),
                host_id: row.try_get(1)?,
                name: row.try_get(2)?,
                cluster: row.try_get(3)?,
                uuid: row.try_get(4)?,
                digest: row.try_get(5)?,
                gone: row.try_get::<Option<i64>, _>(6)?.is_some(),
            })
        })
        .collect()
}

/// Makes hosts; gives their numbers by their ids.
pub async fn insert_hosts(
    tx: &mut Tx,
    org: OrgId,
    source: SourceId,
    hosts: &[HostWrite],
    now: Instant,
) -> Result<HashMap<String, HypervisorId>> {
    const COLUMNS: usize = 13;
    let mut numbers = HashMap::with_capacity(hosts.len());
    for group in hosts.chunks(Dialect::rows_at_once(COLUMNS).min(500)) {
        let text = format!(
            "INSERT INTO hypervisor (org_id, source_id, host_id, name, uuid, uuid_key, cluster, sockets, facts, digest, guests, \
             first_us, changed_us) VALUES {} RETURNING id, host_id",
            tx.dialect.values(group.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for host in group {
            query = query
                .bind(org.0)
                .bind(source.0)
                .bind(&host.host_id)
                .bind(host.name.as_deref())
                .bind(host.uuid.as_deref())
                .bind(host.uuid_key.as_deref())
                .bind(host.cluster.as_deref())
                .bind(host.sockets.map(i64::from))
                .bind(&host.facts)
                .bind(&host.digest)
                .bind(wide(host.guests)?)
                .bind(now.0)
                .bind(now.0);
        }
        for row in query.fetch_all(&mut *tx.inner).await? {
            numbers.insert(row.try_get(1)?, HypervisorId(row.try_get(0)?));
        }
    }
    Ok(numbers)
}

/// Writes a host anew; one that was gone is there again.
pub async fn update_host(
    tx: &mut Tx,
    id: HypervisorId,
    host: &HostWrite,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE hypervisor SET name = $1, uuid = $2, uuid_key = $3, cluster = $4, sockets = $5, facts = $6, digest = $7, \
         guests = $8, changed_us = $9, gone_us = NULL WHERE id = $10",
    )
    .bind(host.name.as_deref())
    .bind(host.uuid.as_deref())
    .bind(host.uuid_key.as_deref())
    .bind(host.cluster.as_deref())
    .bind(host.sockets.map(i64::from))
    .bind(&host.facts)
    .bind(&host.digest)
    .bind(wide(host.guests)?)
    .bind(now.0)
    .bind(id.0)
    .execute(&mut *tx.inner)
    .await?;
    Ok(())
}

/// Lets a host go, with its guests.
pub async fn let_host_go(tx: &mut Tx, id: HypervisorId, now: Instant) -> Result<()> {
    sqlx::query("DELETE FROM guest WHERE hypervisor_id = $1")
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    sqlx::query("UPDATE hypervisor SET gone_us = $1, guests = 0, digest = '' WHERE id = $2")
        .bind(now.0)
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// A guest as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestWrite {
    /// The host that it is on.
    pub host: HypervisorId,
    /// Its uuid as the hypervisor spelled it.
    pub uuid: String,
    /// What it is found by.
    pub uuid_key: String,
    /// Its state.
    pub state: u8,
}

/// The guests of some hosts.
pub async fn guests_of(tx: &mut Tx, hosts: &[HypervisorId]) -> Result<Vec<GuestWrite>> {
    let mut found = Vec::new();
    for group in hosts.chunks(500) {
        let places: Vec<String> = (1..=group.len()).map(|n| tx.dialect.place(n)).collect();
        let text = format!(
            "SELECT hypervisor_id, uuid, uuid_key, state FROM guest WHERE hypervisor_id IN ({})",
            places.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for host in group {
            query = query.bind(host.0);
        }
        for row in query.fetch_all(&mut *tx.inner).await? {
            found.push(GuestWrite {
                host: HypervisorId(row.try_get(0)?),
                uuid: row.try_get(1)?,
                uuid_key: row.try_get(2)?,
                state: state(&row, 3)?,
            });
        }
    }
    Ok(found)
}

fn state(row: &AnyRow, column: usize) -> Result<u8> {
    Ok(u8::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}

/// Puts guests on their hosts.
pub async fn insert_guests(
    tx: &mut Tx,
    org: OrgId,
    guests: &[GuestWrite],
    now: Instant,
) -> Result<()> {
    const COLUMNS: usize = 6;
    for group in guests.chunks(Dialect::rows_at_once(COLUMNS).min(500)) {
        let text = format!(
            "INSERT INTO guest (hypervisor_id, org_id, uuid, uuid_key, state, since_us) VALUES {}",
            tx.dialect.values(group.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for guest in group {
            query = query
                .bind(guest.host.0)
                .bind(org.0)
                .bind(&guest.uuid)
                .bind(&guest.uuid_key)
                .bind(i64::from(guest.state))
                .bind(now.0);
        }
        query.execute(&mut *tx.inner).await?;
    }
    Ok(())
}

/// Takes a guest from its host.
pub async fn delete_guest(tx: &mut Tx, host: HypervisorId, uuid: &str) -> Result<()> {
    sqlx::query("DELETE FROM guest WHERE hypervisor_id = $1 AND uuid = $2")
        .bind(host.0)
        .bind(uuid)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Writes a guest's state.
pub async fn set_guest_state(tx: &mut Tx, host: HypervisorId, uuid: &str, state: u8) -> Result<()> {
    sqlx::query("UPDATE guest SET state = $1 WHERE hypervisor_id = $2 AND uuid = $3")
        .bind(i64::from(state))
        .bind(host.0)
        .bind(uuid)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWrite {
    /// What.
    pub kind: HypervisorEventKind,
    /// The host; where a guest moved to.
    pub host: Option<HypervisorId>,
    /// Where a guest moved from.
    pub from: Option<HypervisorId>,
    /// The guest's uuid, and what it is found by.
    pub guest: Option<(String, String)>,
    /// More, for people.
    pub detail: String,
}

/// Writes down what happened.
pub async fn insert_events(
    tx: &mut Tx,
    org: OrgId,
    source: SourceId,
    events: &[EventWrite],
    now: Instant,
) -> Result<()> {
    const COLUMNS: usize = 9;
    for group in events.chunks(Dialect::rows_at_once(COLUMNS).min(500)) {
        let text = format!(
            "INSERT INTO hypervisor_event (org_id, source_id, hypervisor_id, other_id, at_us, kind, guest, guest_key, detail) \
             VALUES {}",
            tx.dialect.values(group.len(), COLUMNS)
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for event in group {
            let (guest, key) = event.guest.as_ref().map(|(uuid, key)| (uuid, key)).unzip();
            query = query
                .bind(org.0)
                .bind(source.0)
                .bind(event.host.map(|id| id.0))
                .bind(event.from.map(|id| id.0))
                .bind(now.0)
                .bind(event.kind.as_str())
                .bind(guest.map(String::as_str))
                .bind(key.map(String::as_str))
                .bind(&event.detail);
        }
        query.execute(&mut *tx.inner).await?;
    }
    Ok(())
}

/// Hosts of an organization that are there and share a name or a uuid key with another one.
pub async fn named_alike(
    tx: &mut Tx,
    org: OrgId,
) -> Result<Vec<(HypervisorId, String, Option<String>, Option<String>)>> {
    let rows = sqlx::query(
        "SELECT id, host_id, name, uuid_key FROM hypervisor WHERE org_id = $1 AND gone_us IS NULL AND \
         (name IN (SELECT name FROM hypervisor WHERE org_id = $1 AND gone_us IS NULL GROUP BY name HAVING COUNT(*) > 1) OR \
          uuid_key IN (SELECT uuid_key FROM hypervisor WHERE org_id = $1 AND gone_us IS NULL GROUP BY uuid_key HAVING COUNT(*) > 1)) \
         ORDER BY id",
    )
    .bind(org.0)
    .fetch_all(&mut *tx.inner)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                HypervisorId(row.try_get(0)?),
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
            ))
        })
        .collect()
}

/// Forgets a source with everything that it said.
pub async fn forget_source(tx: &mut Tx, org: OrgId, id: SourceId) -> Result<bool> {
    let known = sqlx::query("SELECT id FROM hypervisor_source WHERE org_id = $1 AND id = $2")
        .bind(org.0)
        .bind(id.0)
        .fetch_optional(&mut *tx.inner)
        .await?;
    if known.is_none() {
        return Ok(false);
    }
    for text in [
        "DELETE FROM hypervisor_event WHERE source_id = $1",
        "DELETE FROM hypervisor_part WHERE source_id = $1",
        "DELETE FROM guest WHERE hypervisor_id IN (SELECT id FROM hypervisor WHERE source_id = $1)",
        "DELETE FROM hypervisor WHERE source_id = $1",
        "DELETE FROM hypervisor_source WHERE id = $1",
    ] {
        sqlx::query(text).bind(id.0).execute(&mut *tx.inner).await?;
    }
    Ok(true)
}

/// Hosts and guests that a source has now.
pub async fn totals(tx: &mut Tx, source: SourceId) -> Result<(u64, u64)> {
    let row = sqlx::query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(guests), 0) AS BIGINT) FROM hypervisor WHERE source_id = $1 AND gone_us IS NULL",
    )
    .bind(source.0)
    .fetch_one(&mut *tx.inner)
    .await?;
    Ok((count(&row, 0)?, count(&row, 1)?))
}
