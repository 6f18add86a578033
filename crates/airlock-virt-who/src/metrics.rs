//! Numbers for whoever watches, in Prometheus' text form: written to a file or served on the loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use airlock_model::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Debug, Default, Clone)]
struct OfSource {
    up: bool,
    refused: bool,
    hosts: u64,
    guests: u64,
    read_at: i64,
    reads: u64,
    failures: u64,
}

#[derive(Debug, Default, Clone)]
struct OfDestination {
    up: bool,
    refused: bool,
    sent_at: i64,
    sent: u64,
    failures: u64,
    held: std::collections::BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Inner {
    sources: BTreeMap<String, OfSource>,
    destinations: BTreeMap<String, OfDestination>,
}

/// The numbers.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Inner>);

impl Metrics {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A source was read.
    pub fn source_read(&self, source: &str, (hosts, guests): (u64, u64), now: Instant) {
        let mut inner = self.inner();
        let of = inner.sources.entry(source.to_owned()).or_default();
        of.up = true;
        of.refused = false;
        of.hosts = hosts;
        of.guests = guests;
        of.read_at = now.0 / 1_000_000;
        of.reads += 1;
    }

    /// A source could not be read.
    pub fn source_failed(&self, source: &str, refused: bool) {
        let mut inner = self.inner();
        let of = inner.sources.entry(source.to_owned()).or_default();
        of.up = false;
        of.refused = refused;
        of.failures += 1;
    }

    /// A source is no longer configured.
    pub fn forget_source(&self, source: &str) {
        self.inner().sources.remove(source);
    }

    /// A report was taken.
    pub fn sent(&self, destination: &str, now: Instant) {
        let mut inner = self.inner();
        let of = inner
            .destinations
            .entry(destination.to_owned())
            .or_default();
        of.up = true;
        of.refused = false;
        of.sent_at = now.0 / 1_000_000;
        of.sent += 1;
    }

    /// A destination failed.
    pub fn destination_failed(&self, destination: &str, refused: bool) {
        let mut inner = self.inner();
        let of = inner
            .destinations
            .entry(destination.to_owned())
            .or_default();
        of.up = false;
        of.refused = refused;
        of.failures += 1;
    }

    /// A source's report is held back, or no longer.
    pub fn held(&self, destination: &str, source: &str, on: bool) {
        let mut inner = self.inner();
        let of = inner
            .destinations
            .entry(destination.to_owned())
            .or_default();
        if on {
            of.held.insert(source.to_owned());
        } else {
            of.held.remove(source);
        }
    }

    /// All numbers.
    #[must_use]
    pub fn text(&self) -> String {
        let inner = self.inner();
        let mut out = String::new();
        type Of<T> = fn(&T) -> i64;
        let sources: [(&str, &str, &str, Of<OfSource>); 7] = [
            (
                "source_up",
                "gauge",
                "1 when the source could be read last",
                |of| i64::from(of.up),
            ),
            (
                "source_refused",
                "gauge",
                "1 when the login was refused and waits",
                |of| i64::from(of.refused),
            ),
            ("source_hosts", "gauge", "Hosts after the filter", |of| {
                of.hosts.cast_signed()
            }),
            ("source_guests", "gauge", "Guests of these hosts", |of| {
                of.guests.cast_signed()
            }),
            (
                "source_last_read_seconds",
                "gauge",
                "When it was read last, in seconds since 1970",
                |of| of.read_at,
            ),
            (
                "source_reads_total",
                "counter",
                "Reads and heard changes",
                |of| of.reads.cast_signed(),
            ),
            ("source_failures_total", "counter", "Failed reads", |of| {
                of.failures.cast_signed()
            }),
        ];
        for (name, kind, help, value) in sources {
            head(&mut out, name, kind, help);
            for (source, of) in &inner.sources {
                line(&mut out, name, "source", source, value(of));
            }
        }
        let destinations: [(&str, &str, &str, Of<OfDestination>); 6] = [
            (
                "destination_up",
                "gauge",
                "1 when the destination took a report last",
                |of| i64::from(of.up),
            ),
            (
                "destination_refused",
                "gauge",
                "1 when the login was refused and waits",
                |of| i64::from(of.refused),
            ),
            (
                "destination_held",
                "gauge",
                "Sources whose report looks wrong and is held back",
                |of| i64::try_from(of.held.len()).unwrap_or(i64::MAX),
            ),
            (
                "destination_last_sent_seconds",
                "gauge",
                "When it took a report last, in seconds since 1970",
                |of| of.sent_at,
            ),
            (
                "destination_sent_total",
                "counter",
                "Reports that were taken",
                |of| of.sent.cast_signed(),
            ),
            (
                "destination_failures_total",
                "counter",
                "Failed tries",
                |of| of.failures.cast_signed(),
            ),
        ];
        for (name, kind, help, value) in destinations {
            head(&mut out, name, kind, help);
            for (destination, of) in &inner.destinations {
                line(&mut out, name, "destination", destination, value(of));
            }
        }
        out
    }

    /// Writes the numbers to a file, which is renamed into its place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let new = path.with_extension("new");
        std::fs::write(&new, self.text())?;
        std::fs::rename(&new, path)
    }

    /// Serves the numbers until dropped: every request is answered with them.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn serve(
        self: std::sync::Arc<Self>,
        address: &str,
    ) -> std::io::Result<std::convert::Infallible> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            let text = self.text();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let asked = stream.read(&mut head);
                if tokio::time::timeout(std::time::Duration::from_secs(5), asked)
                    .await
                    .is_err()
                {
                    return;
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        out,
        "# HELP airlock_virt_who_{name} {help}.\n# TYPE airlock_virt_who_{name} {kind}"
    );
}

fn line(out: &mut String, name: &str, label: &str, of: &str, value: i64) {
    let of = of
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    let _ = writeln!(out, "airlock_virt_who_{name}{{{label}=\"{of}\"}} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_numbers_are_there() {
        let metrics = Metrics::default();
        metrics.source_read("a\"b", (2, 5), Instant(3_000_000));
        metrics.held("candlepin", "a\"b", true);
        let text = metrics.text();
        assert!(text.contains("airlock_virt_who_source_guests{source=\"a\\\"b\"} 5\n"));
        assert!(text.contains("airlock_virt_who_source_last_read_seconds{source=\"a\\\"b\"} 3\n"));
        assert!(text.contains("airlock_virt_who_destination_held{destination=\"candlepin\"} 1\n"));
    }
}
