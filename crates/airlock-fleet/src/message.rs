//! What a message has to be before anything looks at its content.

use std::collections::HashSet;

use airlock_model::hypervisors::{
    HYPERVISOR_FACTS_BYTES as LONGEST_FACTS, HYPERVISOR_HOST_GUESTS as MOST_GUESTS,
    HYPERVISOR_PART_HOSTS, HYPERVISOR_PROTOCOL, HYPERVISOR_REASON_BYTES,
    HYPERVISOR_WORD_BYTES as LONGEST,
};
use airlock_model::{HypervisorBody, HypervisorMessage, ReportedHost};

use crate::{Error, Result};

/// Parts of a full report: five million hosts.
pub const MOST_PARTS: u32 = 10_000;

/// Checks a message against its own rules.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub fn check(message: &HypervisorMessage) -> Result<()> {
    if message.protocol != HYPERVISOR_PROTOCOL {
        return Err(Error::invalid(format!(
            "protocol is {}, and this server speaks {HYPERVISOR_PROTOCOL}",
            message.protocol
        )));
    }
    for (field, text) in [
        ("source", &message.source),
        ("reporter", &message.reporter),
        ("kind", &message.kind),
        ("id_kind", &message.id_kind),
        ("incarnation", &message.incarnation),
    ] {
        word(field, text)?;
    }
    if message.sequence == 0 || i64::try_from(message.sequence).is_err() {
        return Err(Error::invalid("sequence has to count from 1"));
    }
    match &message.body {
        HypervisorBody::Full { part, hosts, .. } => {
            if *part >= MOST_PARTS {
                return Err(Error::invalid(format!("part has to be below {MOST_PARTS}")));
            }
            all(hosts)
        }
        HypervisorBody::Difference {
            changed, removed, ..
        } => {
            all(changed)?;
            if let Some(long) = removed.iter().find(|id| id.len() > LONGEST) {
                return Err(too_long("removed", long.len()));
            }
            let changed: HashSet<&str> = changed.iter().map(|host| host.id.as_str()).collect();
            match removed.iter().find(|id| changed.contains(id.as_str())) {
                Some(id) => Err(Error::invalid(format!("{id} is both changed and removed"))),
                None => Ok(()),
            }
        }
        HypervisorBody::Silent { reason } if reason.len() > HYPERVISOR_REASON_BYTES => {
            Err(too_long("reason", reason.len()))
        }
        HypervisorBody::Silent { .. }
        | HypervisorBody::Heartbeat { .. }
        | HypervisorBody::Retire => Ok(()),
    }
}

fn all(hosts: &[ReportedHost]) -> Result<()> {
    if hosts.len() > HYPERVISOR_PART_HOSTS {
        return Err(Error::invalid(format!(
            "{} hosts in one message; at most {HYPERVISOR_PART_HOSTS} are taken",
            hosts.len()
        )));
    }
    let mut ids = HashSet::new();
    for host in hosts {
        word("hosts.id", &host.id)?;
        if !ids.insert(host.id.as_str()) {
            return Err(Error::invalid(format!("host {} stands twice", host.id)));
        }
        for (field, text) in [
            ("hosts.name", &host.name),
            ("hosts.uuid", &host.uuid),
            ("hosts.cluster", &host.cluster),
        ] {
            if let Some(text) = text {
                plain(field, text)?;
            }
        }
        if host.guests.len() > MOST_GUESTS {
            return Err(Error::invalid(format!(
                "host {} has {} guests; at most {MOST_GUESTS} are taken",
                host.id,
                host.guests.len()
            )));
        }
        for guest in &host.guests {
            word("hosts.guests.id", &guest.id)?;
        }
        let facts = serde_json::to_string(&host.facts)
            .map_err(|error| Error::invalid(format!("hosts.facts of {}: {error}", host.id)))?;
        if facts.len() > LONGEST_FACTS {
            return Err(too_long("hosts.facts", facts.len()));
        }
    }
    Ok(())
}

fn word(field: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{field} is empty")));
    }
    plain(field, text)
}

fn plain(field: &str, text: &str) -> Result<()> {
    if text.len() > LONGEST {
        return Err(too_long(field, text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{field} has control characters")));
    }
    Ok(())
}

fn too_long(field: &str, bytes: usize) -> Error {
    Error::invalid(format!("{field} is too long: {bytes} bytes"))
}
