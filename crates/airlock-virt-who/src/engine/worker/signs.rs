//! What a destination hears, and the log, beside reports: signs of life, and doubles between its sources.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Worker, save};
use crate::destination::{Error, Named};
use crate::engine::across::doubles;
use crate::engine::pause;
use crate::inventory::Inventory;

impl Worker {
    /// Tells of doubles between the sources of another product's server, once.
    pub(super) fn across(&mut self) {
        if !self.settings.foreign() || self.pairs.len() < 2 {
            return;
        }
        let all: Vec<Arc<Inventory>> = self
            .pairs
            .iter()
            .filter_map(|pair| self.shared.table.health(&pair.source.name).inventory)
            .collect();
        let found = doubles(&all.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        for double in found.iter().filter(|double| !self.doubles.contains(double)) {
            tracing::warn!("Destination {}: {double}", self.settings.identity());
        }
        self.doubles = found;
    }

    /// Shows signs of life when they are due. Their failures are only logged, but for those that say: not now.
    pub(super) async fn alive(&mut self) {
        let now = Instant::now();
        let Some(destination) = &mut self.destination else {
            return;
        };
        let due = self.next_heartbeat <= now;
        if self.next_try.is_some_and(|next| next > now) || (self.mute > 0 && !due) {
            return;
        }
        let mut well = Vec::new();
        let mut failed = None;
        for pair in &mut self.pairs {
            let health = self.shared.table.health(&pair.source.name);
            let named = Named {
                source: &pair.source.name,
                kind: pair.source.kind,
                id_kind: pair.source.settings.hypervisor_id,
                marks: &pair.accepted.marks,
            };
            match health.error {
                None => {
                    pair.silent = None;
                    // A source that was not read yet is neither well nor ill.
                    if health.inventory.is_some() {
                        well.push(named);
                    }
                }
                Some(reason) => {
                    if due || pair.silent.as_deref() != Some(&reason) {
                        if let Err(error) = destination.silent(named, &reason).await {
                            failed = Some(error);
                            break;
                        }
                        pair.silent = Some(reason);
                    }
                }
            }
        }
        let mut forgotten = Vec::new();
        if due && failed.is_none() {
            match destination.heartbeat(&well).await {
                Ok(names) => forgotten = names,
                Err(error) => failed = Some(error),
            }
        }
        for pair in &mut self.pairs {
            if forgotten.contains(&pair.source.name) {
                tracing::info!(
                    "The server has lost the report of \"{}\", which is sent again",
                    pair.source.name
                );
                pair.accepted.forget();
                pair.seen = None;
                self.next_look = Some(now);
            }
        }
        match failed {
            Some(error) => self.unheard(&error),
            None if due => {
                self.next_heartbeat = now + self.interval;
                self.mute = 0;
                self.well();
            }
            None => {}
        }
    }

    /// A sign of life failed. Reports are sent all the same, unless the login is refused or the server asks for a pause.
    fn unheard(&mut self, error: &Error) {
        if error.refused() || error.wait().is_some() {
            self.next_heartbeat = Instant::now() + self.interval;
            self.fail(error);
            return;
        }
        self.mute += 1;
        self.next_heartbeat = Instant::now() + pause(self.mute, self.interval);
        let identity = self.settings.identity();
        tracing::warn!(
            "Destination {identity}: the sign of life failed: {error}; reports are sent all the same"
        );
        self.shared.metrics.destination_failed(&identity, false);
        for pair in &mut self.pairs {
            pair.report.error = Some(error.to_string());
            save(&self.shared, &pair.report);
        }
        // The next try begins with a new connection.
        self.destination = None;
    }
}
