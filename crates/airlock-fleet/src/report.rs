//! Taking a message: which verdict it gets, and what it changes.

use airlock_db::hypervisors::{self as rows, EventWrite, PartRow, SourceRow};
use airlock_db::{Attempts, Tx, audit};
use airlock_model::{
    Actor, HypervisorAnswer, HypervisorBody, HypervisorEventKind, HypervisorMessage,
    HypervisorVerdict, Instant, ReportedHost,
};
use serde_json::json;

use crate::apply::{Applied, Change};
use crate::{Error, Fleet, Result, message};

/// Level of compression for waiting parts.
const LEVEL: i32 = 1;

impl Fleet {
    /// Takes a message of the organization's agent. All of it is applied, or nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a message that is malformed; when the database fails nothing was changed, or, after a lost
    /// commit, the same message is answered as known.
    pub async fn report(
        &self,
        actor: &Actor,
        message: &HypervisorMessage,
    ) -> Result<HypervisorAnswer> {
        message::check(message)?;
        let mut attempts = Attempts::default();
        loop {
            match self.try_report(actor, message).await {
                Err(Error::Database(error)) if attempts.again(&error).await => {}
                done => return done,
            }
        }
    }

    async fn try_report(
        &self,
        actor: &Actor,
        message: &HypervisorMessage,
    ) -> Result<HypervisorAnswer> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let mut source = rows::lock_source(&mut tx, actor.org, &message.source, now).await?;
        let taken = Taking {
            actor,
            message,
            now,
        }
        .take(&mut tx, &mut source)
        .await?;
        let Some(mut answer) = taken else {
            // What a refused message said does not even count as a sign of life; a new source is not made by it.
            return Ok(HypervisorAnswer {
                verdict: HypervisorVerdict::SendFull,
                sequence: source.sequence,
                reason: Some(why_full(&source, message)),
                warnings: Vec::new(),
            });
        };
        source.heard = now;
        source.interval = message.interval;
        rows::set_source(&mut tx, &source).await?;
        if answer.verdict == HypervisorVerdict::Applied {
            answer.warnings = doubles(&mut tx, &source).await?;
        }
        answer.sequence = source.sequence;
        tx.commit().await?;
        Ok(answer)
    }
}

/// A message being taken.
struct Taking<'a> {
    actor: &'a Actor,
    message: &'a HypervisorMessage,
    now: Instant,
}

impl Taking<'_> {
    /// None: a full report has to be sent.
    async fn take(&self, tx: &mut Tx, source: &mut SourceRow) -> Result<Option<HypervisorAnswer>> {
        let message = self.message;
        let same_life = source.incarnation == message.incarnation;
        let known = same_life && message.sequence <= source.sequence;
        match &message.body {
            HypervisorBody::Full {
                part,
                last,
                hosts,
                total_hosts,
                total_guests,
            } => {
                if known {
                    return Ok(Some(answer(HypervisorVerdict::Known)));
                }
                let of_report = Some((message.incarnation.as_str(), message.sequence));
                rows::drop_parts(tx, source.id, of_report).await?;
                let single = *part == 0 && *last;
                if !single {
                    let row = PartRow {
                        incarnation: message.incarnation.clone(),
                        sequence: message.sequence,
                        part: *part,
                        hosts: pack(hosts)?,
                    };
                    rows::put_part(tx, source.id, &row).await?;
                }
                if !*last {
                    return Ok(Some(answer(HypervisorVerdict::Kept)));
                }
                let all = match single {
                    true => hosts.clone(),
                    false => match gathered(tx, source, *part).await? {
                        Some(all) => all,
                        None => return Ok(None),
                    },
                };
                let guests: usize = all.iter().map(|host| host.guests.len()).sum();
                if all.len() as u64 != *total_hosts || guests as u64 != *total_guests {
                    return Ok(None);
                }
                let fresh = source.reported.is_none()
                    || source.retired.is_some()
                    || source.id_kind != message.id_kind;
                let change = Change::Full { hosts: all, fresh };
                let applied = self.apply(tx, source, change).await?;
                rows::drop_parts(tx, source.id, None).await?;
                self.applied(tx, source, "hypervisors-full", &applied)
                    .await?;
                Ok(Some(answer(HypervisorVerdict::Applied)))
            }
            HypervisorBody::Difference {
                base,
                changed,
                removed,
                total_hosts,
                total_guests,
            } => {
                if known {
                    return Ok(Some(answer(HypervisorVerdict::Known)));
                }
                if !same_life || *base != source.sequence || self.ids_changed(source) {
                    return Ok(None);
                }
                let change = Change::Difference {
                    changed: changed.clone(),
                    removed: removed.clone(),
                };
                let applied = self.apply(tx, source, change).await?;
                if (applied.hosts, applied.guests) != (*total_hosts, *total_guests) {
                    // The change is taken back with its transaction.
                    return Ok(None);
                }
                self.applied(tx, source, "hypervisors-difference", &applied)
                    .await?;
                Ok(Some(answer(HypervisorVerdict::Applied)))
            }
            HypervisorBody::Heartbeat { base } => {
                if !same_life || *base != source.sequence || self.ids_changed(source) {
                    return Ok(None);
                }
                source.silent = None;
                Ok(Some(answer(HypervisorVerdict::Applied)))
            }
            HypervisorBody::Silent { reason } => {
                source.silent = Some(reason.clone());
                if source.reported.is_none() {
                    source.reporter.clone_from(&message.reporter);
                    source.kind.clone_from(&message.kind);
                    source.id_kind.clone_from(&message.id_kind);
                }
                Ok(Some(answer(HypervisorVerdict::Applied)))
            }
            HypervisorBody::Retire => {
                if known || source.retired.is_some() {
                    return Ok(Some(answer(HypervisorVerdict::Known)));
                }
                let change = Change::Full {
                    hosts: Vec::new(),
                    fresh: true,
                };
                let applied = self.apply(tx, source, change).await?;
                rows::drop_parts(tx, source.id, None).await?;
                self.applied(tx, source, "hypervisors-retire", &applied)
                    .await?;
                source.retired = Some(self.now);
                let event = EventWrite {
                    kind: HypervisorEventKind::Retired,
                    host: None,
                    from: None,
                    guest: None,
                    detail: format!("{} hosts are no longer reported", applied.gone),
                };
                rows::insert_events(tx, source.org, source.id, &[event], self.now).await?;
                Ok(Some(answer(HypervisorVerdict::Applied)))
            }
        }
    }

    fn ids_changed(&self, source: &SourceRow) -> bool {
        source.retired.is_some()
            || source.reported.is_none()
            || source.id_kind != self.message.id_kind
    }

    async fn apply(&self, tx: &mut Tx, source: &SourceRow, change: Change) -> Result<Applied> {
        crate::apply::apply(tx, source, change, self.now).await
    }

    /// Writes down that a report was applied.
    async fn applied(
        &self,
        tx: &mut Tx,
        source: &mut SourceRow,
        verb: &str,
        applied: &Applied,
    ) -> Result<()> {
        let message = self.message;
        source.reporter.clone_from(&message.reporter);
        source.kind.clone_from(&message.kind);
        source.id_kind.clone_from(&message.id_kind);
        source.incarnation.clone_from(&message.incarnation);
        source.sequence = message.sequence;
        source.hosts = applied.hosts;
        source.guests = applied.guests;
        source.reported = Some(self.now);
        source.silent = None;
        source.retired = None;
        let detail = json!({
            "hosts": applied.hosts, "guests": applied.guests, "came": applied.came, "gone": applied.gone,
            "changed": applied.changed, "moved": applied.moved, "sequence": message.sequence,
        });
        audit::append(tx, self.actor, self.now, verb, &message.source, &detail).await?;
        Ok(())
    }
}

fn answer(verdict: HypervisorVerdict) -> HypervisorAnswer {
    HypervisorAnswer {
        verdict,
        sequence: 0,
        reason: None,
        warnings: Vec::new(),
    }
}

/// Why a full report is wanted.
fn why_full(source: &SourceRow, message: &HypervisorMessage) -> String {
    if source.reported.is_none() {
        return "nothing is known of this source yet".to_owned();
    }
    if source.retired.is_some() {
        return "the source was retired".to_owned();
    }
    if source.id_kind != message.id_kind {
        return format!(
            "ids were {} and are {} now",
            source.id_kind, message.id_kind
        );
    }
    if source.incarnation != message.incarnation {
        return "the agent's state is another one than the one that reported last".to_owned();
    }
    match &message.body {
        HypervisorBody::Full { .. } => "parts are missing, or the counts do not fit".to_owned(),
        HypervisorBody::Difference { base, .. } | HypervisorBody::Heartbeat { base }
            if *base != source.sequence =>
        {
            format!(
                "it is against report {base}, and report {} came last",
                source.sequence
            )
        }
        _ => "the counts would not fit afterwards".to_owned(),
    }
}

fn pack(hosts: &[ReportedHost]) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(hosts)
        .map_err(|error| Error::invalid(format!("hosts cannot be kept: {error}")))?;
    zstd::encode_all(json.as_slice(), LEVEL)
        .map_err(|error| Error::invalid(format!("hosts cannot be kept: {error}")))
}

/// All hosts of a report in parts; none when a part is missing or a host stands in two.
async fn gathered(tx: &mut Tx, source: &SourceRow, last: u32) -> Result<Option<Vec<ReportedHost>>> {
    let parts = rows::parts(tx, source.id).await?;
    let whole = parts.len() as u64 == u64::from(last) + 1
        && parts
            .iter()
            .zip(0..)
            .all(|(row, number)| row.part == number);
    if !whole {
        return Ok(None);
    }
    let mut all: Vec<ReportedHost> = Vec::new();
    for part in parts {
        let damaged = |why: String| Error::Damaged {
            what: "a kept part of a report",
            why,
        };
        let json = zstd::decode_all(part.hosts.as_slice()).map_err(|e| damaged(e.to_string()))?;
        let hosts: Vec<ReportedHost> =
            serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
        all.extend(hosts);
    }
    let mut ids: Vec<&str> = all.iter().map(|host| host.id.as_str()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).any(|two| two[0] == two[1]);
    Ok((!twice).then_some(all))
}

/// What is odd: hosts of one name or uuid.
async fn doubles(tx: &mut Tx, source: &SourceRow) -> Result<Vec<String>> {
    const SHOWN: usize = 20;
    let alike = rows::named_alike(tx, source.org).await?;
    Ok(crate::read::doubles_of(&alike)
        .into_iter()
        .take(SHOWN)
        .collect())
}
