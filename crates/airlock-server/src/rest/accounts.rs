//! Users.

use std::sync::Arc;

use airlock_db::principals;
use airlock_model::ErrorKind;
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;

use super::body::Body;
use crate::api;
use crate::app::App;
use crate::password;
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Users of the organization.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", responses((status = 200, body = Vec<api::UserRow>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    As(actor, _): As,
) -> Result<Json<Vec<api::UserRow>>, Failure> {
    let rows = principals::users(app.db(), actor.org)
        .await
        .map_err(|error| Failure::internal(&error))?;
    Ok(Json(rows.into_iter().map(shown).collect()))
}

fn shown(row: principals::UserRow) -> api::UserRow {
    api::UserRow {
        login: row.login,
        role: row.role,
        disabled: row.disabled,
        created: row.created,
    }
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = api::NewUser,
    responses((status = 201, body = api::UserRow), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Body(new): Body<api::NewUser>,
) -> Result<(StatusCode, Json<api::UserRow>), Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
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
    if principals::create_user(&mut tx, actor.org, &login, &hash, new.role, now)
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
        &actor,
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
            role: new.role,
            disabled: false,
            created: now,
        }),
    ))
}

async fn hashed(text: String) -> Result<String, Failure> {
    password::check_new(&text).map_err(|error| Failure::invalid(error.to_string()))?;
    password::hash(text)
        .await
        .map_err(|error| Failure::internal(&error))
}

/// Changes a password, or shuts a user out. Either ends the user's tokens.
#[utoipa::path(patch, path = "/api/v1/users/{login}", tag = "users", params(("login" = String, Path)), request_body = api::UserPatch,
    responses((status = 200, body = api::UserRow), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn set(
    State(app): State<Arc<App>>,
    As(actor, _): As,
    Path(login): Path<String>,
    Body(patch): Body<api::UserPatch>,
) -> Result<Json<api::UserRow>, Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let found = principals::find_user(app.db(), &login)
        .await
        .map_err(internal)?
        .filter(|user| user.org == actor.org);
    let user = found.ok_or_else(|| {
        Failure::not_found(format!("there is no user {login}")).hint("airlock user list")
    })?;
    if patch.disabled == Some(true) {
        let others = principals::users(app.db(), actor.org)
            .await
            .map_err(internal)?;
        let remains = others.iter().any(|other| {
            other.id != user.id
                && !other.disabled
                && other.role == airlock_model::Role::Administrator
        });
        if user.role == airlock_model::Role::Administrator && !remains {
            return Err(Failure::new(
                ErrorKind::Conflict,
                format!("{login} is the last administrator who can log in"),
            ));
        }
    }
    let hash = match patch.password {
        Some(text) => Some(hashed(text).await?),
        None => None,
    };
    let now = app.now();
    let disabled = patch.disabled.unwrap_or(user.disabled);
    let mut tx = app.db().begin().await.map_err(internal)?;
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
    let detail = serde_json::json!({ "password": hash.is_some(), "disabled": patch.disabled });
    airlock_db::audit::append(&mut tx, &actor, now, "user.set", &login, &detail)
        .await
        .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    Ok(Json(api::UserRow {
        disabled,
        ..shown(user)
    }))
}
