//! Login by password, and who the caller is.

use std::sync::Arc;

use airlock_db::principals;
use airlock_model::{Actor, Cause, ErrorKind};
use axum::extract::State;
use axum::{Extension, Json};
use http::{StatusCode, header};

use super::body::Body;
use crate::api;
use crate::app::App;
use crate::listen::Peer;
use crate::password::{self, PasswordError, new_token, token_hash};
use crate::problem::{Failure, Problem, RequestId};
use crate::rights::As;

/// Days a login's token lasts.
const DAYS: u16 = 30;

/// Gives a token for login and password. Slowed down after five failures.
#[utoipa::path(post, path = "/api/v1/login", tag = "login", request_body = api::Login,
    responses((status = 201, body = api::MadeToken), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn login(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Body(wish): Body<api::Login>,
) -> Result<(StatusCode, Json<api::MadeToken>), Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let address = peer.and_then(|Extension(peer)| peer.address());
    let days = wish.days.unwrap_or(DAYS);
    if days == 0 || days > 365 {
        return Err(Failure::invalid("days has to be 1 to 365"));
    }
    let slower = |why: &str, seconds: i64| {
        Failure::new(ErrorKind::Busy, format!("{why}; try again in {seconds} s"))
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header(header::RETRY_AFTER, &seconds.to_string())
    };
    app.login_limit
        .begin(address, &wish.login, app.now())
        .map_err(|seconds| slower("too many failed logins", seconds))?;
    let user = principals::find_user(app.db(), &wish.login)
        .await
        .map_err(internal)?
        .filter(|user| !user.disabled);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    // An unknown or disabled user takes as long as a wrong password.
    let right = match password::verify(wish.password, hash).await {
        Err(PasswordError::Busy) => {
            app.login_limit.take_back(address, &wish.login);
            return Err(slower("too many logins at one moment", 1));
        }
        verified => verified.map_err(|error| Failure::internal(&error))?,
    };
    let Some(user) = user.filter(|_| right) else {
        app.metrics.login_failed();
        tracing::warn!(address = ?address, "a login failed");
        return Err(
            Failure::new(ErrorKind::Denied, "login or password is wrong")
                .status(StatusCode::UNAUTHORIZED),
        );
    };
    app.login_limit.succeeded(address, &wish.login);
    let name: String = wish
        .name
        .unwrap_or_else(|| format!("login {}", user.login))
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    let token = new_token();
    let now = app.now();
    let expires = Some(now.plus_seconds(i64::from(days) * 86_400));
    let hash = token_hash(&token);
    let row = principals::NewToken {
        org: user.org,
        user: Some(user.id),
        name: &name,
        hash: &hash,
        role: user.role,
        channels: None,
        scope: None,
        expires,
    };
    let actor = Actor {
        org: user.org,
        principal: format!("user:{}", user.login),
        role: user.role,
        request_id,
        cause: Cause::Request,
    };
    let mut tx = app.db().begin().await.map_err(internal)?;
    let id = principals::create_token(&mut tx, &row, now)
        .await
        .map_err(internal)?;
    airlock_db::audit::append(
        &mut tx,
        &actor,
        now,
        "login",
        &user.login,
        &serde_json::json!({ "token": id }),
    )
    .await
    .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    Ok((
        StatusCode::CREATED,
        Json(api::MadeToken {
            id: id.0,
            name,
            token,
            role: user.role,
            expires,
        }),
    ))
}

/// Who the caller is and what they may do.
#[utoipa::path(get, path = "/api/v1/whoami", tag = "login", responses((status = 200, body = api::WhoAmI), (status = 401, body = Problem)))]
pub async fn whoami(As(actor, caller): As) -> Json<api::WhoAmI> {
    Json(api::WhoAmI {
        principal: actor.principal,
        org: actor.org.0,
        role: actor.role,
        channels: caller.channels.clone(),
        server: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

#[cfg(test)]
mod tests;
