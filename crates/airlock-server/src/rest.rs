//! `/api/v1`: JSON in, JSON out, long work as tasks. Handlers decode, call the domain, encode.

mod accounts;
pub(crate) mod body;
mod changes;
mod channels;
mod check;
mod clones;
mod hypervisors;
mod login;
mod organizations;
mod query;
mod reads;
mod tasks;
mod tokens;
mod upkeep;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use airlock_model::hypervisors::HYPERVISOR_MESSAGE_BYTES;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::{Json, Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::listen::patience::{Limits, PatientBody};
use crate::problem::Problem;
use crate::rights;

/// JSON bodies larger than this are refused.
const LARGEST_BODY: usize = 2 * 1024 * 1024;
/// The same for a login, which everybody may send.
const LARGEST_LOGIN: usize = 16 * 1024;
/// How long a login's body may take in all.
const LOGIN: Limits = Limits {
    body: Duration::from_secs(10),
    rate: u64::MAX,
    ..Limits::USUAL
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Airlock",
        description = "Everything that the command line does. Long work answers 202 with a task. Errors are RFC 9457 problem documents. \
                       Send a token as `Authorization: Bearer TOKEN`. A POST that starts a task may carry an `Idempotency-Key`: \
                       the same key gives the same task.",
    ),
    components(schemas(Problem))
)]
struct Document;

/// The routes, and their description.
pub fn described() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let router = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(login::whoami))
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::show, channels::set, channels::delete))
        .routes(routes!(channels::deletion))
        .routes(routes!(channels::undelete))
        .routes(routes!(reads::versions))
        .routes(routes!(reads::packages))
        .routes(routes!(reads::errata))
        .routes(routes!(reads::diff))
        .routes(routes!(changes::sync))
        .routes(routes!(changes::add))
        .routes(routes!(changes::remove))
        .routes(routes!(changes::rollback))
        .routes(routes!(changes::promote))
        .routes(routes!(changes::fetch))
        .routes(routes!(check::check))
        .routes(routes!(clones::plan))
        .routes(routes!(clones::undo))
        .routes(routes!(clones::plan_of_task))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::cancel))
        .routes(routes!(hypervisors::list))
        .routes(routes!(hypervisors::show))
        .routes(routes!(hypervisors::events))
        .routes(routes!(hypervisors::guest))
        .routes(routes!(hypervisors::sources, hypervisors::forget))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::set))
        .routes(routes!(organizations::list, organizations::create))
        .routes(routes!(organizations::show))
        .routes(routes!(upkeep::audit))
        .routes(routes!(upkeep::fsck))
        .routes(routes!(upkeep::gc))
        .routes(routes!(upkeep::backup))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // Package files may be of any size; the upload looks at the free space itself.
        .merge(
            OpenApiRouter::new()
                .routes(routes!(upload::push))
                .layer(DefaultBodyLimit::disable()),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(clones::apply))
                .layer(DefaultBodyLimit::max(airlock_content::LARGEST_PLAN)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(crate::agent::hypervisors))
                .layer(DefaultBodyLimit::max(HYPERVISOR_MESSAGE_BYTES)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(login::login))
                .layer(DefaultBodyLimit::max(LARGEST_LOGIN))
                .layer(middleware::map_request(hurried)),
        );
    let (router, mut document) = router.split_for_parts();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    (router, document)
}

/// A request whose body may take [`LOGIN`] only.
async fn hurried(request: Request) -> Request {
    request.map(|body| Body::new(PatientBody::new(body, LOGIN, None)))
}

/// The routes behind their rights.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let (router, document) = described();
    let document = Arc::new(document);
    let openapi = axum::routing::get(move || async move { Json(document.as_ref().clone()) });
    router
        .route("/api/v1/openapi.json", openapi)
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            rights::layer,
        ))
}
