//! Many downloads side by side.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::ControlFlow;

use tokio::task::JoinSet;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::job::{Downloaded, Job};
use crate::progress::Progress;
use crate::session::Session;

impl Session {
    /// Runs the jobs, at most `parallel` at a time, and hands each result with the job's place in the
    /// list to `on_done`, in the order in which they end. `on_done` may wait (a full database, say);
    /// running downloads go on meanwhile, but no new one begins. `Break` stops the rest.
    ///
    /// Says whether all jobs were run (not whether they went well: that is in the results).
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the stop flag is raised.
    pub async fn download_all<D, F>(
        &self,
        jobs: impl IntoIterator<Item = Job>,
        parallel: usize,
        progress: &Progress,
        cancel: &Cancel,
        mut on_done: D,
    ) -> Result<ControlFlow<()>>
    where
        D: FnMut(usize, Result<Downloaded>) -> F,
        F: Future<Output = ControlFlow<()>>,
    {
        let mut waiting: VecDeque<(usize, Job)> = jobs.into_iter().enumerate().collect();
        let mut running = JoinSet::new();
        loop {
            while running.len() < parallel.max(1) && !cancel.is_cancelled() {
                let Some((place, job)) = waiting.pop_front() else {
                    break;
                };
                let (session, progress, cancel) = (self.clone(), progress.clone(), cancel.clone());
                running.spawn(
                    async move { (place, session.download(&job, &progress, &cancel).await) },
                );
            }
            let Some(ended) = running.join_next().await else {
                break;
            };
            let (place, result) = match ended {
                Ok(pair) => pair,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => return Err(Error::Cancelled),
                },
            };
            if matches!(result, Err(Error::Cancelled)) {
                continue;
            }
            if on_done(place, result).await.is_break() {
                // Parts stay for the next time; dropping the set ends the others.
                running.shutdown().await;
                return Ok(ControlFlow::Break(()));
            }
        }
        cancel.check()?;
        Ok(ControlFlow::Continue(()))
    }
}
