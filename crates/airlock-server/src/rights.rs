//! Who may do what: one table for every route of the REST API, and the one place that looks at it.
//!
//! A route that is not in the table is refused; a test walks the table and the OpenAPI document against each other.

use std::sync::Arc;

use airlock_model::{Actor, Cause, ErrorKind, Role, TokenScope};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{Method, header};

use crate::app::App;
use crate::listen::Peer;
use crate::principal::{self, Caller};
use crate::problem::{Failure, RequestId};

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: everybody who reaches the server.
    Nobody,
    /// At least this role, in the caller's own organization.
    Role(Role),
    /// A token with this scope, or a content manager.
    Scope(TokenScope),
    /// An administrator of the server: of the first organization.
    ServerAdministrator,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// The method.
    pub method: &'static str,
    /// The path as in the OpenAPI document.
    pub path: &'static str,
    /// What it needs.
    pub need: Need,
}

const fn right(method: &'static str, path: &'static str, role: Role) -> Right {
    Right {
        method,
        path,
        need: Need::Role(role),
    }
}

const fn server(method: &'static str, path: &'static str) -> Right {
    Right {
        method,
        path,
        need: Need::ServerAdministrator,
    }
}

const fn scoped(method: &'static str, path: &'static str, scope: TokenScope) -> Right {
    Right {
        method,
        path,
        need: Need::Scope(scope),
    }
}

const fn open(method: &'static str, path: &'static str) -> Right {
    Right {
        method,
        path,
        need: Need::Nobody,
    }
}

use Role::{Administrator, ContentManager, Download, Reader};

/// Every route of the REST API.
pub const RIGHTS: &[Right] = &[
    open("POST", "/api/v1/login"),
    open("GET", "/api/v1/openapi.json"),
    right("GET", "/api/v1/whoami", Download),
    right("GET", "/api/v1/channels", Reader),
    right("POST", "/api/v1/channels", ContentManager),
    right("GET", "/api/v1/channels/{label}", Reader),
    right("PATCH", "/api/v1/channels/{label}", ContentManager),
    right("DELETE", "/api/v1/channels/{label}", ContentManager),
    right("GET", "/api/v1/channels/{label}/deletion", Reader),
    right("POST", "/api/v1/channels/{label}/undelete", ContentManager),
    right("GET", "/api/v1/channels/{label}/versions", Reader),
    right("GET", "/api/v1/channels/{label}/packages", Reader),
    right("GET", "/api/v1/channels/{label}/errata", Reader),
    right("GET", "/api/v1/diff", Reader),
    right("POST", "/api/v1/sync", ContentManager),
    right("POST", "/api/v1/channels/{label}/push", ContentManager),
    right("POST", "/api/v1/channels/{label}/add", ContentManager),
    right("POST", "/api/v1/channels/{label}/remove", ContentManager),
    right("POST", "/api/v1/channels/{label}/rollback", ContentManager),
    right("POST", "/api/v1/channels/{label}/promote", ContentManager),
    right("POST", "/api/v1/channels/{label}/fetch", ContentManager),
    // It changes nothing: a POST for it takes long.
    right("POST", "/api/v1/channels/{label}/check", Reader),
    right("POST", "/api/v1/clones/plan", ContentManager),
    right("POST", "/api/v1/clones/apply", ContentManager),
    right("POST", "/api/v1/clones/undo", ContentManager),
    right("GET", "/api/v1/tasks", Reader),
    right("GET", "/api/v1/tasks/{id}", Reader),
    right("GET", "/api/v1/tasks/{id}/plan", Reader),
    right("POST", "/api/v1/tasks/{id}/cancel", ContentManager),
    right("GET", "/api/v1/tokens", Reader),
    right("POST", "/api/v1/tokens", Reader),
    right("DELETE", "/api/v1/tokens/{id}", Reader),
    right("GET", "/api/v1/users", Administrator),
    right("POST", "/api/v1/users", Administrator),
    right("PATCH", "/api/v1/users/{login}", Administrator),
    right("GET", "/api/v1/audit", Administrator),
    scoped(
        "POST",
        "/agent/v1/hypervisors",
        TokenScope::HypervisorsWrite,
    ),
    right("GET", "/api/v1/hypervisors", Reader),
    right("GET", "/api/v1/hypervisors/{host}", Reader),
    right("GET", "/api/v1/hypervisor-events", Reader),
    right("GET", "/api/v1/guests/{uuid}", Reader),
    right("GET", "/api/v1/hypervisor-sources", Reader),
    right("DELETE", "/api/v1/hypervisor-sources", ContentManager),
    server("GET", "/api/v1/organizations"),
    server("POST", "/api/v1/organizations"),
    server("GET", "/api/v1/organizations/{name}"),
    server("POST", "/api/v1/fsck"),
    server("POST", "/api/v1/gc"),
    server("POST", "/api/v1/backup"),
];

/// What a route needs; none when it is not in the table.
#[must_use]
pub fn need(method: &Method, path: &str) -> Option<Need> {
    let method = if *method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    RIGHTS
        .iter()
        .find(|right| right.method == method && right.path == path)
        .map(|right| right.need)
}

/// The layer in front of every REST route.
///
/// # Errors
/// 401 without a known caller, 403 with too low a role, 404 for a route that the table lacks.
pub async fn layer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let Some(need) = need(request.method(), path) else {
        return Err(Failure::not_found("there is nothing at this path"));
    };
    let authorization = single(&request)?;
    let peer = request.extensions().get::<Peer>().copied();
    let caller = match principal::of_authorization(&app, authorization.as_deref()).await? {
        Some(caller) => Some(caller),
        None => peer.and_then(principal::of_peer).map(Arc::new),
    };
    let least = match need {
        Need::Nobody => None,
        Need::Role(least) => Some(least),
        Need::Scope(_) => Some(ContentManager),
        Need::ServerAdministrator => Some(Administrator),
    };
    if let Some(least) = least {
        let Some(caller) = caller else {
            return Err(Failure::unauthorized("who are you? This needs a token").hint("airlock login --server URL, then the command again; or Authorization: Bearer TOKEN"));
        };
        let has_scope = matches!(need, Need::Scope(scope) if caller.scope == Some(scope));
        if !has_scope && let Some(scope) = caller.scope {
            return Err(Failure::new(
                ErrorKind::Denied,
                format!(
                    "{} has the scope {scope} and may do nothing else",
                    caller.principal
                ),
            ));
        }
        if !has_scope && caller.role < least {
            return Err(Failure::new(
                ErrorKind::Denied,
                format!(
                    "this needs the role {}, and {} has {}",
                    least.as_str(),
                    caller.principal,
                    caller.role.as_str()
                ),
            ));
        }
        if need == Need::ServerAdministrator && !caller.administers_server() {
            return Err(caller.is_no_server_administrator());
        }
        request.extensions_mut().insert(caller);
    }
    let reads = request.method().is_safe();
    let response = next.run(request).await;
    if !reads {
        // Whatever was changed is seen by the next download.
        app.lookup.forget();
    }
    Ok(response)
}

/// The `Authorization` header; two of them are refused.
fn single(request: &Request) -> Result<Option<String>, Failure> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Failure::unauthorized("two Authorization headers"));
    }
    first
        .map(|value| {
            value
                .to_str()
                .map(str::to_owned)
                .map_err(|_| Failure::unauthorized("the Authorization header cannot be read"))
        })
        .transpose()
}

/// The caller as the domain's actor, for handlers behind the layer.
#[derive(Debug, Clone)]
pub struct As(pub Actor, pub Arc<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for As {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        let caller =
            caller.ok_or_else(|| Failure::unauthorized("who are you? This needs a token"))?;
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default();
        let actor = Actor {
            org: caller.org,
            principal: caller.principal.clone(),
            role: caller.role,
            request_id,
            cause: Cause::Request,
        };
        Ok(Self(actor, caller))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_route_once_and_is_strict() {
        for (index, right) in RIGHTS.iter().enumerate() {
            let twice = RIGHTS
                .iter()
                .skip(index + 1)
                .any(|other| other.method == right.method && other.path == right.path);
            assert!(!twice, "{} {}", right.method, right.path);
            if right.method != "GET"
                && right.path != "/api/v1/login"
                && !right.path.starts_with("/api/v1/tokens")
                && !right.path.ends_with("/check")
            {
                assert!(
                    match right.need {
                        Need::Nobody => false,
                        Need::Role(role) => role >= ContentManager,
                        Need::Scope(_) | Need::ServerAdministrator => true,
                    },
                    "{} {}",
                    right.method,
                    right.path
                );
            }
        }
        assert_eq!(need(&Method::PUT, "/api/v1/channels"), None);
        assert_eq!(
            need(&Method::HEAD, "/api/v1/channels"),
            Some(Need::Role(Reader))
        );
    }
}
