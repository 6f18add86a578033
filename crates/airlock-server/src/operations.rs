//! `/healthz`, `/readyz`, `/metrics`, `/ca.pem`.

use std::sync::Arc;

use airlock_model::TaskState;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::app::App;
use crate::memory;
use crate::metrics::Gauges;
use crate::problem::Failure;

/// The routes; they need no token.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/ca.pem", get(ca))
}

/// Ready means: the database answers.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match airlock_db::settings::get(app.db(), "ready").await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
                .into_response()
        }
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let queued = airlock_db::tasks::open(app.db()).await.map_or(0, |tasks| {
        tasks
            .iter()
            .filter(|task| task.state == TaskState::Queued)
            .count() as u64
    }) + app.unwritten.queued() as u64;
    let text = app.metrics.text(Gauges {
        connections: app.peers.open(),
        tasks_queued: queued,
        tasks_running: app.board.running() as u64,
        resident_bytes: memory::resident_bytes(),
    });
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

async fn ca(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let path =
        app.settings.tls_ca.as_ref().ok_or_else(|| {
            Failure::not_found("this server has no CA certificate to give (tls-ca)")
        })?;
    let text = tokio::fs::read(path)
        .await
        .map_err(|error| Failure::internal(&format!("{}: {error}", path.display())))?;
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], text).into_response())
}
