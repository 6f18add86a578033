//! Hypervisors and guests as tables, text and CSV.

use std::collections::BTreeMap;

use airlock_model::{
    HypervisorDetail, HypervisorEvent, HypervisorEventKind, HypervisorId, HypervisorRow,
    HypervisorSource, Instant,
};

use super::csv::cell;
use super::table::Table;
use super::time;

/// The hosts of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cluster {
    /// Its name; none for hosts outside of any.
    cluster: Option<String>,
    hosts: u64,
    /// Sockets of the hosts that say how many they have.
    sockets: u64,
    guests: u64,
    running: u64,
    last_seen: Instant,
}

/// The sums of clusters, by name.
#[must_use]
pub fn clusters(rows: &[HypervisorRow]) -> Vec<Cluster> {
    let mut sums: BTreeMap<Option<String>, Cluster> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.cluster.clone()).or_insert_with(|| Cluster {
            cluster: row.cluster.clone(),
            hosts: 0,
            sockets: 0,
            guests: 0,
            running: 0,
            last_seen: row.last_seen,
        });
        sum.hosts += 1;
        sum.sockets += row.sockets.map_or(0, u64::from);
        sum.guests += row.guests;
        sum.running += row.running;
        sum.last_seen = sum.last_seen.max(row.last_seen);
    }
    sums.into_values().collect()
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn sockets(row: &HypervisorRow) -> String {
    row.sockets
        .map_or_else(|| "-".to_owned(), |n| n.to_string())
}

/// A uuid in a spelling of its own: firmware, VMware and Hyper-V turn the bytes of the first three groups around.
fn uuid_key(uuid: &str) -> String {
    let folded: String = uuid
        .chars()
        .filter(|letter| *letter != '-')
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let turned = |from: usize, to: usize| -> Option<String> {
        let group = folded.get(from..to)?.as_bytes();
        let pairs: Vec<u8> = group.chunks(2).rev().flatten().copied().collect();
        String::from_utf8(pairs).ok()
    };
    let other = [(0, 8), (8, 12), (12, 16)]
        .iter()
        .map(|&(from, to)| turned(from, to))
        .chain([folded.get(16..).map(str::to_owned)])
        .collect::<Option<String>>();
    match other {
        Some(other) if folded.len() == 32 => folded.min(other),
        _ => folded,
    }
}

/// What a host shares with another one that is there, too: its name, its uuid. Only one of them is meant to.
fn doubles(rows: &[HypervisorRow]) -> BTreeMap<HypervisorId, String> {
    let mut shared: BTreeMap<(&str, String), Vec<HypervisorId>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.gone.is_none()) {
        let name = row.name.as_deref().map(str::to_lowercase);
        let uuid = row.uuid.as_deref().map(uuid_key);
        for (what, key) in [("name", name), ("uuid", uuid)] {
            if let Some(key) = key.filter(|key| !key.is_empty()) {
                shared.entry((what, key)).or_default().push(row.id);
            }
        }
    }
    let mut marks: BTreeMap<HypervisorId, String> = BTreeMap::new();
    for ((what, _), ids) in shared.into_iter().filter(|(_, ids)| ids.len() > 1) {
        for id in ids {
            let mark = marks.entry(id).or_default();
            if !mark.is_empty() {
                mark.push_str(", ");
            }
            mark.push_str(what);
        }
    }
    marks
}

/// Hosts, a line each; those that share a name or uuid are marked, where there are any.
#[must_use]
pub fn hosts(rows: &[HypervisorRow]) -> String {
    let marks = doubles(rows);
    let mut heads = vec![
        ">ID",
        "~HOST",
        "~CLUSTER",
        ">SOCKETS",
        ">GUESTS",
        ">RUNNING",
        "~SOURCE",
        "LAST SEEN",
    ];
    if !marks.is_empty() {
        heads.push("DOUBLE");
    }
    let mut table = Table::new(&heads);
    for row in rows {
        let seen = match row.gone {
            Some(at) => format!("gone {}", time(at)),
            None => time(row.last_seen),
        };
        let mut cells = vec![
            row.id.to_string(),
            row.shown().to_owned(),
            or_dash(row.cluster.as_deref()),
            sockets(row),
            row.guests.to_string(),
            row.running.to_string(),
            row.source.clone(),
            seen,
        ];
        if !marks.is_empty() {
            cells.push(or_dash(marks.get(&row.id).map(String::as_str)));
        }
        table.row(cells);
    }
    table.text()
}

/// Hosts as CSV.
#[must_use]
pub fn hosts_csv(rows: &[HypervisorRow]) -> String {
    let mut text = "id,host_id,name,uuid,cluster,sockets,guests,running,source,kind,first_seen,last_seen,gone\n".to_owned();
    for row in rows {
        let cells = [
            row.id.to_string(),
            row.host_id.clone(),
            row.name.clone().unwrap_or_default(),
            row.uuid.clone().unwrap_or_default(),
            row.cluster.clone().unwrap_or_default(),
            row.sockets.map(|n| n.to_string()).unwrap_or_default(),
            row.guests.to_string(),
            row.running.to_string(),
            row.source.clone(),
            row.kind.clone(),
            row.first_seen.to_string(),
            row.last_seen.to_string(),
            row.gone.map(|at| at.to_string()).unwrap_or_default(),
        ];
        text.push_str(&cells.map(|text| cell(&text)).join(","));
        text.push('\n');
    }
    text
}

/// Clusters, a line each.
#[must_use]
pub fn clusters_table(rows: &[HypervisorRow]) -> String {
    let mut table = Table::new(&[
        "~CLUSTER",
        ">HOSTS",
        ">SOCKETS",
        ">GUESTS",
        ">RUNNING",
        "LAST SEEN",
    ]);
    for sum in clusters(rows) {
        table.row(vec![
            or_dash(sum.cluster.as_deref()),
            sum.hosts.to_string(),
            sum.sockets.to_string(),
            sum.guests.to_string(),
            sum.running.to_string(),
            time(sum.last_seen),
        ]);
    }
    table.text()
}

/// Clusters as CSV.
#[must_use]
pub fn clusters_csv(rows: &[HypervisorRow]) -> String {
    let mut text = "cluster,hosts,sockets,guests,running,last_seen\n".to_owned();
    for sum in clusters(rows) {
        let cells = [
            sum.cluster.unwrap_or_default(),
            sum.hosts.to_string(),
            sum.sockets.to_string(),
            sum.guests.to_string(),
            sum.running.to_string(),
            sum.last_seen.to_string(),
        ];
        text.push_str(&cells.map(|text| cell(&text)).join(","));
        text.push('\n');
    }
    text
}

/// A host with its facts and guests.
#[must_use]
pub fn detail(detail: &HypervisorDetail) -> String {
    let host = &detail.host;
    let mut text = String::new();
    let mut line = |what: &str, value: &str| {
        let value = super::plain(value).replace('\n', " ");
        text.push_str(&format!("{:<11} {value}\n", format!("{what}:")));
    };
    line("host", host.shown());
    line("number", &host.id.to_string());
    line("id", &host.host_id);
    line("uuid", host.uuid.as_deref().unwrap_or("-"));
    line("cluster", host.cluster.as_deref().unwrap_or("-"));
    line("sockets", &sockets(host));
    line("source", &format!("{} ({})", host.source, host.kind));
    line("first seen", &time(host.first_seen));
    line("last seen", &time(host.last_seen));
    if let Some(gone) = host.gone {
        line("gone", &time(gone));
    }
    for double in &detail.doubles {
        line(
            "same as",
            &format!("{double}: one name or uuid for two hosts"),
        );
    }
    for (name, value) in &detail.facts {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        line("fact", &format!("{name} = {value}"));
    }
    if detail.guest_list.is_empty() {
        text.push_str("no guests\n");
        return text;
    }
    let mut table = Table::new(&["~GUEST", "STATE", "HERE SINCE"]);
    for guest in &detail.guest_list {
        table.row(vec![
            guest.uuid.clone(),
            guest.state_word().to_owned(),
            time(guest.since),
        ]);
    }
    text.push_str(&table.text());
    text
}

/// What happened, a line each.
#[must_use]
pub fn history(events: &[HypervisorEvent]) -> String {
    let mut table = Table::new(&["TIME", "~WHAT", "~SOURCE"]);
    for event in events {
        table.row(vec![time(event.at), told(event), event.source.clone()]);
    }
    table.text()
}

fn told(event: &HypervisorEvent) -> String {
    let host = event.host.as_deref().unwrap_or("?");
    let guest = event.guest.as_deref().unwrap_or("?");
    let detail = match event.detail.as_str() {
        "" => String::new(),
        text => format!(" ({text})"),
    };
    match event.kind {
        HypervisorEventKind::FirstReport => format!("first report{detail}"),
        HypervisorEventKind::HostCame => format!("host {host} came{detail}"),
        HypervisorEventKind::HostGone => format!("host {host} went{detail}"),
        HypervisorEventKind::HostChanged => format!("host {host} changed{detail}"),
        HypervisorEventKind::GuestCame => format!("guest {guest} came to {host}"),
        HypervisorEventKind::GuestGone => format!("guest {guest} went from {host}"),
        HypervisorEventKind::GuestMoved => format!(
            "guest {guest} moved from {} to {host}",
            event.from.as_deref().unwrap_or("?")
        ),
        HypervisorEventKind::Retired => format!("source retired{detail}"),
    }
}

/// Sources, a line each.
#[must_use]
pub fn sources(rows: &[HypervisorSource]) -> String {
    let mut table = Table::new(&[
        "~SOURCE",
        "KIND",
        "STATE",
        ">HOSTS",
        ">GUESTS",
        "LAST HEARD",
        "~REASON",
    ]);
    for row in rows {
        table.row(vec![
            row.name.clone(),
            row.kind.clone(),
            row.state.as_str().to_owned(),
            row.hosts.to_string(),
            row.guests.to_string(),
            time(row.heard),
            or_dash(row.reason.as_deref()),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use airlock_model::{HypervisorId, HypervisorRow, Instant};

    use super::{clusters_csv, clusters_table, hosts, hosts_csv};

    fn row(id: i64, name: &str, cluster: Option<&str>, sockets: Option<u32>) -> HypervisorRow {
        HypervisorRow {
            id: HypervisorId(id),
            host_id: format!("host-{id}"),
            name: (!name.is_empty()).then(|| name.to_owned()),
            uuid: None,
            cluster: cluster.map(str::to_owned),
            sockets,
            guests: 3,
            running: 2,
            source: "gate1/vc".to_owned(),
            kind: "esx".to_owned(),
            first_seen: Instant(1_700_000_000_000_000),
            last_seen: Instant(1_700_000_600_000_000 + id),
            gone: None,
        }
    }

    #[test]
    fn hosts_of_one_name_or_uuid_are_marked() {
        let mut rows = [
            row(1, "esx1", None, None),
            row(2, "ESX1", None, None),
            row(3, "esx3", None, None),
            row(4, "esx4", None, None),
            row(5, "esx5", None, None),
            row(6, "esx5", None, None),
        ];
        rows[0].uuid = Some("4c4c4544-0042-3510-8052-b3c04f4d4e32".to_owned());
        rows[2].uuid = Some("44454C4C-4200-1035-8052-b3c04f4d4e32".to_owned());
        // One that has gone is no double.
        rows[5].gone = Some(Instant(1_700_000_700_000_000));
        let text = hosts(&rows);
        let marks: Vec<&str> = text
            .lines()
            .filter_map(|line| line.rsplit("  ").next())
            .map(str::trim)
            .collect();
        assert_eq!(
            marks,
            ["DOUBLE", "name, uuid", "name", "uuid", "-", "-", "-"],
            "{text}"
        );
        assert!(!hosts(&rows[3..5]).contains("DOUBLE"));
    }

    #[test]
    fn lists_have_a_line_for_each_host_or_cluster() {
        let rows = [
            row(1, "esx1.example.com", Some("west"), Some(2)),
            row(2, "", Some("west"), None),
            row(3, "=cmd", None, Some(4)),
        ];
        insta::assert_snapshot!("hosts", hosts(&rows));
        insta::assert_snapshot!("clusters_table", clusters_table(&rows));
        insta::assert_snapshot!("hosts_csv", hosts_csv(&rows));
        insta::assert_snapshot!("clusters_csv", clusters_csv(&rows));
    }
}
