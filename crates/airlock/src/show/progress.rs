//! The progress of a task: a bar on a terminal, nothing elsewhere (its end is what counts in a log).

use std::io::IsTerminal;

use airlock_model::{Progress, TaskInfo};
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
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
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
            bar.set_length(task.progress.total);
            bar.set_position(task.progress.done.min(task.progress.total.max(1)));
            bar.set_message(plain(if task.progress.stage.is_empty() {
                task.state.as_str()
            } else {
                &task.progress.stage
            }));
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
