//! Who hears what happens during a run.

/// Hears what happens. Called from several threads.
pub trait Reporter: Sync {
    /// Something is wrong, but the run goes on.
    fn warning(&self, text: &str);
    /// A step was taken.
    fn info(&self, _text: &str) {}
    /// A detail, for `--verbose`.
    fn detail(&self, _text: &str) {}
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn warning(&self, _text: &str) {}
}
