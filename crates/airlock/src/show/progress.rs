//! The progress of a task: a bar on a terminal, nothing elsewhere (its end is what counts in a log).

use std::io::IsTerminal;

use airlock_model::{Progress, TaskInfo, TaskState};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{plain, size};

/// Shows one task.
pub struct Shown {
    bar: Option<ProgressBar>,
    notes: usize,
}

impl Shown {
    /// A bar if standard error is a terminal and nobody asked for JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {prefix}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar
        });
        Self { bar, notes: 0 }
    }

    /// Takes the newest state.
    pub fn update(&mut self, task: &TaskInfo) {
        for note in task.notes.iter().skip(self.notes) {
            let text = plain(note);
            match &self.bar {
                Some(bar) => bar.suspend(|| eprintln!("{text}")),
                None => eprintln!("{text}"),
            }
        }
        self.notes = self.notes.max(task.notes.len());
        if let Some(bar) = &self.bar {
            let (done, total) = drawn(task);
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(plain(message(task)));
            bar.set_prefix(counted(&task.progress));
            bar.tick();
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How much of the bar is full. Of an unknown total nothing is: a bar of length 0 would be drawn as full.
fn drawn(task: &TaskInfo) -> (u64, u64) {
    match (task.state, task.progress.total) {
        (TaskState::Queued, _) | (_, 0) => (0, 1),
        (_, total) => (task.progress.done.min(total), total),
    }
}

fn message(task: &TaskInfo) -> &str {
    match (task.state, task.progress.stage.as_str()) {
        (TaskState::Queued, _) | (_, "") => task.state.as_str(),
        (_, stage) => stage,
    }
}

fn counted(progress: &Progress) -> String {
    let show = |value: u64| {
        if progress.unit == "bytes" {
            size(value)
        } else {
            value.to_string()
        }
    };
    let unit = if progress.unit == "bytes" {
        String::new()
    } else {
        format!(" {}", progress.unit)
    };
    match (progress.done, progress.total) {
        (0, 0) => String::new(),
        (done, 0) => format!("{}{unit}", show(done)),
        (done, total) => format!("{} of {}{unit}", show(done), show(total)),
    }
}

#[cfg(test)]
mod tests {
    use airlock_model::{Instant, TaskId};

    use super::*;

    fn task(state: TaskState, done: u64, total: u64, stage: &str) -> TaskInfo {
        TaskInfo {
            id: TaskId(1),
            kind: "sync".to_owned(),
            subject: "el9-base".to_owned(),
            state,
            principal: "local".to_owned(),
            cause: "request".to_owned(),
            request_id: String::new(),
            progress: Progress {
                stage: stage.to_owned(),
                done,
                total,
                ..Progress::default()
            },
            notes: Vec::new(),
            result: None,
            error: None,
            created: Instant(0),
            started: None,
            finished: None,
            cancel_requested: false,
        }
    }

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        for (state, done, total, stage, bar, says) in [
            (TaskState::Queued, 0, 0, "", (0, 1), "queued"),
            // What an earlier run left behind, before it was put back into the queue.
            (TaskState::Queued, 5, 5, "packages", (0, 1), "queued"),
            (TaskState::Running, 0, 0, "", (0, 1), "running"),
            (TaskState::Running, 7, 0, "metadata", (0, 1), "metadata"),
            (TaskState::Running, 3, 9, "packages", (3, 9), "packages"),
            (TaskState::Running, 12, 9, "packages", (9, 9), "packages"),
            (TaskState::Done, 9, 9, "", (9, 9), "done"),
        ] {
            let task = task(state, done, total, stage);
            assert_eq!((drawn(&task), message(&task)), (bar, says));
        }
    }

    #[test]
    fn the_bar_of_a_queued_task_is_empty_on_the_terminal() {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::hidden());
        let mut shown = Shown {
            bar: Some(bar.clone()),
            notes: 0,
        };
        shown.update(&task(TaskState::Queued, 0, 0, ""));
        assert_eq!((bar.position(), bar.length()), (0, Some(1)));
        assert_eq!(bar.message(), "queued");
    }
}
