//! Upload of package files: `multipart/form-data`, each file into the staging folder, all of them one task.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use airlock_model::{ErrorKind, TaskInfo};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Path, State};
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWriteExt;

use super::body::{Accepted, label, start};
use crate::app::App;
use crate::listen::patience::{TooSlow, is_too_slow};
use crate::problem::{Failure, Problem};
use crate::rights::As;
use crate::tasks::{Job, Staged, Staging};

/// Files of one push.
const MOST_FILES: usize = 10_000;
/// How long the rest of a refused upload is taken.
const DRAIN: Duration = Duration::from_secs(10);
/// Bytes after which the free space is looked at again.
const LOOK_EVERY: usize = 64 << 20;

/// Puts package files into a channel. Each part with a file name is one file.
#[utoipa::path(post, path = "/api/v1/channels/{label}/push", tag = "changes", params(("label" = String, Path)),
    request_body(content = String, content_type = "multipart/form-data", description = "One part with a file name for each RPM file"),
    responses((status = 202, body = TaskInfo), (status = 400, body = Problem), (status = 404, body = Problem), (status = 507, body = Problem)))]
pub async fn push(
    State(app): State<Arc<App>>,
    who: As,
    Path(name): Path<String>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Result<Accepted, Failure> {
    let label = label(&name)?;
    app.content.channel(who.0.org, &label).await?;
    let received = receive(&app, &mut form).await;
    if received.is_err() {
        // Whoever still sends hears of the answer only when what he sends is taken.
        let _ = tokio::time::timeout(DRAIN, drain(&mut form)).await;
    }
    let (staging, files) = received?;
    if files.is_empty() {
        return Err(Failure::invalid("no file came"));
    }
    let accepted = start(
        &app,
        &who,
        &headers,
        Job::Push {
            label,
            files: files.clone(),
        },
    )
    .await?;
    // A repeated request (same Idempotency-Key) got the task of the first one, which has files of its own.
    if accepted.0.request_id == who.0.request_id {
        staging.keep();
    }
    Ok(accepted)
}

/// Takes the files of a form into a staging folder, which goes with everything in it when this fails or is dropped.
async fn receive(app: &App, form: &mut Multipart) -> Result<(Staging, Vec<Staged>), Failure> {
    let staging = Staging::make(&app.settings.data)
        .map_err(|error| not_written(&app.settings.data, &error))?;
    let mut files: Vec<Staged> = Vec::new();
    let mut looks = Looks::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            return Err(Failure::invalid("a part without a file name")
                .hint("send each file as a part with a file name"));
        };
        if files.len() >= MOST_FILES {
            return Err(Failure::invalid(format!(
                "more than {MOST_FILES} files in one push"
            )));
        }
        let path = staging.path().join(files.len().to_string());
        write(app, field, &path, &mut looks).await?;
        files.push(Staged {
            path,
            name: base_name(&name),
        });
    }
    Ok((staging, files))
}

/// Takes what still comes and throws it away.
async fn drain(form: &mut Multipart) {
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(_)) = field.chunk().await {}
    }
}

/// When the free space is looked at: at the first byte of a push, and again after each [`LOOK_EVERY`], over all of its
/// files, so that many small ones are seen as well.
#[derive(Debug, Default)]
struct Looks {
    since: Option<usize>,
}

impl Looks {
    /// Whether it is time, now that `bytes` more came.
    fn due(&mut self, bytes: usize) -> bool {
        let since = self.since.map(|since| since + bytes);
        let due = since.is_none_or(|since| since > LOOK_EVERY);
        self.since = Some(since.filter(|_| !due).unwrap_or(0));
        due
    }
}

/// Writes one file.
async fn write(
    app: &App,
    mut field: Field<'_>,
    path: &PathBuf,
    looks: &mut Looks,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| not_written(path, &error);
    let mut file = tokio::fs::File::create_new(path).await.map_err(failed)?;
    while let Some(bytes) = field.chunk().await.map_err(broken)? {
        if looks.due(bytes.len()) {
            enough_space(app)?;
        }
        file.write_all(&bytes).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)
}

/// A full disk is told; everything else is for the log.
fn not_written(path: &std::path::Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::StorageFull {
        Failure::new(ErrorKind::Exhausted, "no space left for uploads")
            .hint("free space, or run airlock gc")
    } else {
        Failure::internal(&format!("{}: {error}", path.display()))
    }
}

/// Uploads stop before the file system is full.
fn enough_space(app: &App) -> Result<(), Failure> {
    let found =
        rustix::fs::statvfs(&app.settings.data).map_err(|error| Failure::internal(&error))?;
    let free = found.f_bavail.saturating_mul(100) / found.f_blocks.max(1);
    if free < u64::from(app.settings.min_free) {
        return Err(Failure::new(
            ErrorKind::Exhausted,
            format!(
                "{free} % of the disk is free and {} % is kept free (--min-free)",
                app.settings.min_free
            ),
        )
        .hint("free space, or run airlock gc"));
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: MultipartError) -> Failure {
    if is_too_slow(&error) {
        return Failure::invalid(TooSlow.to_string()).status(StatusCode::REQUEST_TIMEOUT);
    }
    Failure::invalid(format!("the upload is broken: {}", error.body_text())).status(error.status())
}

/// The name without any folder, as old browsers send it.
fn base_name(name: &str) -> String {
    name.rsplit(['/', '\\'])
        .next()
        .unwrap_or(name)
        .chars()
        .filter(|c| !c.is_control())
        .take(255)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_files_are_looked_at_as_one_large_one() {
        let mut looks = Looks::default();
        let due = (0..200).filter(|_| looks.due(1 << 20)).count();
        assert_eq!(due, 4);
    }
}
