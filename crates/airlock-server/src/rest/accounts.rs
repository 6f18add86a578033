//! Users.

use std::sync::Arc;

use airlock_db::principals;
use airlock_model::{ErrorKind, Role};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::Body;
use super::organizations;
use super::query::Params;
use crate::api;
use crate::app::App;
use crate::password::{self, PasswordError};
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Whose users.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Another organization, by its name; for administrators of the server.
    org: Option<String>,
}

/// Users of the organization.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(Whose),
    responses((status = 200, body = Vec<api::UserRow>), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<Arc<App>>,
    As(_, caller): As,
    Params(whose): Params<Whose>,
) -> Result<Json<Vec<api::UserRow>>, Failure> {
    let org = organizations::wanted(&app, &caller, whose.org.as_deref()).await?;
    let name = organizations::name(&app, org).await?;
    let rows = principals::users(app.db(), org)
        .await
        .map_err(|error| Failure::internal(&error))?;
    Ok(Json(
        rows.into_iter().map(|row| shown(row, &name)).collect(),
    ))
}

fn shown(row: principals::UserRow, org: &str) -> api::UserRow {
    api::UserRow {
        login: row.login,
        org: org.to_owned(),
        role: row.role,
        disabled: row.disabled,
        created: row.created,
    }
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = api::NewUser,
    responses((status = 201, body = api::UserRow), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    As(actor, caller): As,
    Body(new): Body<api::NewUser>,
) -> Result<(StatusCode, Json<api::UserRow>), Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let org = organizations::wanted(&app, &caller, new.org.as_deref()).await?;
    let login = new.login;
    let good = !login.is_empty()
        && login.len() <= 64
        && login.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_')
        });
    if !good {
        return Err(Failure::invalid(
            "a login has 1 to 64 characters of a-z, 0-9, '-', '.' and '_'",
        ));
    }
    let hash = hashed(new.password).await?;
    let now = app.now();
    let mut tx = app.db().begin().await.map_err(internal)?;
    if principals::create_user(&mut tx, org, &login, &hash, new.role, now)
        .await
        .map_err(internal)?
        .is_none()
    {
        return Err(Failure::new(
            ErrorKind::Conflict,
            format!("user {login} exists already"),
        ));
    }
    airlock_db::audit::append(
        &mut tx,
        &organizations::within(&actor, org),
        now,
        "user.create",
        &login,
        &serde_json::json!({ "role": new.role }),
    )
    .await
    .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    Ok((
        StatusCode::CREATED,
        Json(api::UserRow {
            login,
            org: organizations::name(&app, org).await?,
            role: new.role,
            disabled: false,
            created: now,
        }),
    ))
}

async fn hashed(text: String) -> Result<String, Failure> {
    password::check_new(&text).map_err(|error| Failure::invalid(error.to_string()))?;
    password::hash(text).await.map_err(|error| match error {
        PasswordError::Busy => {
            Failure::new(ErrorKind::Busy, error.to_string()).status(StatusCode::TOO_MANY_REQUESTS)
        }
        error => Failure::internal(&error),
    })
}

/// Changes password or role, or shuts a user out. A new password and shutting out end the user's tokens, a lower role
/// those that may do more.
#[utoipa::path(patch, path = "/api/v1/users/{login}", tag = "users", params(("login" = String, Path)), request_body = api::UserPatch,
    responses((status = 200, body = api::UserRow), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    As(actor, caller): As,
    Path(login): Path<String>,
    Body(patch): Body<api::UserPatch>,
) -> Result<Json<api::UserRow>, Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let found = principals::find_user(app.db(), &login)
        .await
        .map_err(internal)?
        .filter(|user| user.org == caller.org || caller.administers_server());
    let user = found.ok_or_else(|| {
        Failure::not_found(format!("there is no user {login}")).hint("airlock user list")
    })?;
    let hash = match patch.password {
        Some(text) => Some(hashed(text).await?),
        None => None,
    };
    let now = app.now();
    let disabled = patch.disabled.unwrap_or(user.disabled);
    let role = patch.role.unwrap_or(user.role);
    let mut tx = app.db().begin().await.map_err(internal)?;
    if (disabled || role != Role::Administrator)
        && !user.disabled
        && user.role == Role::Administrator
        && !principals::has_other_administrator(&mut tx, user.org, user.id)
            .await
            .map_err(internal)?
    {
        return Err(Failure::new(
            ErrorKind::Conflict,
            format!("{login} is the last administrator of the organization who can log in"),
        )
        .hint(
            "make another user an administrator first: airlock user set NAME --role administrator",
        ));
    }
    if let Some(hash) = &hash {
        principals::set_password(&mut tx, user.id, hash)
            .await
            .map_err(internal)?;
        // Shutting out ends all tokens; who knew the old password may have made some.
        principals::set_disabled(&mut tx, user.id, true, now)
            .await
            .map_err(internal)?;
    }
    principals::set_disabled(&mut tx, user.id, disabled, now)
        .await
        .map_err(internal)?;
    if role != user.role {
        principals::set_role(&mut tx, user.id, role, now)
            .await
            .map_err(internal)?;
    }
    let detail = serde_json::json!({ "password": hash.is_some(), "disabled": patch.disabled, "role": patch.role });
    let actor = organizations::within(&actor, user.org);
    airlock_db::audit::append(&mut tx, &actor, now, "user.set", &login, &detail)
        .await
        .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    let org = organizations::name(&app, user.org).await?;
    Ok(Json(api::UserRow {
        disabled,
        role,
        ..shown(user, &org)
    }))
}
