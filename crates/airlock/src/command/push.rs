//! `airlock push` and `airlock channel push`: the files go up in one request and become one version.

use std::path::{Path, PathBuf};

use airlock_model::{PushOutcome, TaskInfo};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncReadExt;

use super::Context;
use super::channel::label;
use super::task::follow;
use crate::cli::Waiting;
use crate::fail::{Fail, Result};
use crate::show;

/// Bytes read of a file at a time.
const PIECE: usize = 256 * 1024;

/// Sends the files and waits for the version.
pub async fn run(context: &Context, name: &str, files: &[PathBuf], waiting: Waiting) -> Result {
    let label = label(name)?;
    for file in files {
        let found =
            std::fs::metadata(file).map_err(|error| Fail::file("cannot read", file, &error))?;
        if !found.is_file() {
            return Err(Fail::usage(format!("{} is no file", file.display())));
        }
    }
    let boundary = format!("airlock-{:032x}", rand::random::<u128>());
    let mut parts: Vec<Part> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let line = if index == 0 { "" } else { "\r\n" };
        let head = format!(
            "{line}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: application/x-rpm\r\n\r\n",
            file_name(file)
        );
        parts.push(Part::Text(Bytes::from(head)));
        parts.push(Part::File(file.clone()));
    }
    parts.push(Part::Text(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    let pieces = stream::iter(parts).then(open).try_flatten();
    let body = BodyExt::boxed_unsync(StreamBody::new(pieces.map_ok(Frame::data)));
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let path = format!("/api/v1/channels/{label}/push");
    let task: TaskInfo = context
        .client
        .call(Method::POST, &path, Some(&content_type), body)
        .await?
        .json()?;
    let Some(outcome) = follow::<PushOutcome>(context, task, waiting).await? else {
        return Ok(());
    };
    if context.json {
        return show::json(&outcome);
    }
    for warning in &outcome.warnings {
        eprintln!("{}: warning: {}", outcome.channel, show::plain(warning));
    }
    show::line(&show::outcome::push(&outcome))
}

enum Part {
    Text(Bytes),
    File(PathBuf),
}

type Pieces = stream::BoxStream<'static, std::io::Result<Bytes>>;

async fn open(part: Part) -> std::io::Result<Pieces> {
    match part {
        Part::Text(text) => Ok(stream::once(async { Ok(text) }).boxed()),
        Part::File(path) => {
            let file = tokio::fs::File::open(&path).await?;
            Ok(stream::try_unfold(file, |mut file| async move {
                let mut piece = vec![0; PIECE];
                let length = file.read(&mut piece).await?;
                piece.truncate(length);
                Ok((length > 0).then(|| (Bytes::from(piece), file)))
            })
            .boxed())
        }
    }
}

/// The file's name without anything that could end the quotes around it.
fn file_name(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '"' | '\\') {
                '_'
            } else {
                c
            }
        })
        .collect()
}
