//! `/agent/v1`: what Airlock's own agents send. Behind the same rights as the REST API.

use std::sync::Arc;

use airlock_model::{HypervisorAnswer, HypervisorMessage};
use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::problem::{Failure, Problem};
use crate::rest::body::Body;
use crate::rights::As;

/// Takes a message on one source of hypervisors. The protocol is described with the message.
#[utoipa::path(post, path = "/agent/v1/hypervisors", tag = "agents", request_body = HypervisorMessage,
    responses((status = 200, body = HypervisorAnswer), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 413, body = Problem)))]
pub async fn hypervisors(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Body(message): Body<HypervisorMessage>,
) -> Result<Json<HypervisorAnswer>, Failure> {
    Ok(Json(app.fleet().report(&actor, &message).await?))
}
