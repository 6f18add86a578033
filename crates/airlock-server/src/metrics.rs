//! `/metrics`: counters in the Prometheus text format, without a library.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::StatusCode;

/// Counts since the start of the process.
#[derive(Debug)]
pub struct Metrics {
    started: Instant,
    by_class: [AtomicU64; 5],
    bytes: AtomicU64,
    logins_failed: AtomicU64,
    tasks_done: AtomicU64,
    tasks_failed: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            by_class: Default::default(),
            bytes: AtomicU64::new(0),
            logins_failed: AtomicU64::new(0),
            tasks_done: AtomicU64::new(0),
            tasks_failed: AtomicU64::new(0),
        }
    }
}

/// What is measured at the moment of asking.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    /// Connections open.
    pub connections: usize,
    /// Tasks waiting.
    pub tasks_queued: u64,
    /// Tasks being worked on.
    pub tasks_running: u64,
    /// Bytes resident in memory.
    pub resident_bytes: u64,
}

impl Metrics {
    /// Counts an answer and the bytes of its body.
    pub fn answered(&self, status: StatusCode, bytes: u64) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a wrong password.
    pub fn login_failed(&self) {
        self.logins_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a task that ended.
    pub fn task_ended(&self, well: bool) {
        let counter = if well {
            &self.tasks_done
        } else {
            &self.tasks_failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The text for Prometheus.
    #[must_use]
    pub fn text(&self, gauges: Gauges) -> String {
        let mut text = String::with_capacity(2_048);
        let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, u64)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in rows {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let one = |value: u64| [(String::new(), value)];
        let classes: Vec<(String, u64)> = self
            .by_class
            .iter()
            .enumerate()
            .map(|(index, counter)| (format!("{{status=\"{}xx\"}}", index + 1), load(counter)))
            .collect();
        family(
            "airlock_http_answers_total",
            "counter",
            "Answers by class of status.",
            &classes,
        );
        family(
            "airlock_http_body_bytes_total",
            "counter",
            "Bytes of answers' bodies.",
            &one(load(&self.bytes)),
        );
        family(
            "airlock_http_connections",
            "gauge",
            "Open TCP connections.",
            &one(gauges.connections as u64),
        );
        family(
            "airlock_logins_failed_total",
            "counter",
            "Logins with a wrong password.",
            &one(load(&self.logins_failed)),
        );
        family(
            "airlock_tasks",
            "gauge",
            "Tasks by state.",
            &[
                ("{state=\"queued\"}".to_owned(), gauges.tasks_queued),
                ("{state=\"running\"}".to_owned(), gauges.tasks_running),
            ],
        );
        family(
            "airlock_tasks_ended_total",
            "counter",
            "Tasks that ended since the start.",
            &[
                ("{result=\"done\"}".to_owned(), load(&self.tasks_done)),
                ("{result=\"failed\"}".to_owned(), load(&self.tasks_failed)),
            ],
        );
        family(
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory.",
            &one(gauges.resident_bytes),
        );
        family(
            "airlock_uptime_seconds",
            "gauge",
            "Seconds since the start.",
            &one(self.started.elapsed().as_secs()),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_shown() {
        let metrics = Metrics::default();
        metrics.answered(StatusCode::OK, 10);
        metrics.answered(StatusCode::NOT_FOUND, 5);
        metrics.task_ended(true);
        let text = metrics.text(Gauges {
            connections: 3,
            ..Gauges::default()
        });
        for line in [
            "airlock_http_answers_total{status=\"2xx\"} 1",
            "airlock_http_answers_total{status=\"4xx\"} 1",
            "airlock_http_body_bytes_total 15",
            "airlock_http_connections 3",
            "airlock_tasks_ended_total{result=\"done\"} 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing in\n{text}"
            );
        }
    }
}
