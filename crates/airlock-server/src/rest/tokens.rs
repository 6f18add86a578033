//! Tokens: shown once, stored as a hash.

use std::sync::Arc;

use airlock_db::principals;
use airlock_model::{ChannelLabel, ErrorKind, Instant, Role, TokenId, TokenScope};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;

use super::body::Body;
use crate::api;
use crate::app::App;
use crate::password::{new_token, token_hash};
use crate::problem::{Failure, Problem};
use crate::rights::As;

/// Tokens. An administrator sees all of the organization, others their own.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = Vec<api::TokenRow>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    who: As,
) -> Result<Json<Vec<api::TokenRow>>, Failure> {
    let rows = principals::tokens(app.db(), who.0.org)
        .await
        .map_err(|error| Failure::internal(&error))?;
    Ok(Json(
        rows.into_iter()
            .filter(|row| own(&who, row))
            .map(shown)
            .collect(),
    ))
}

fn own(who: &As, row: &principals::TokenRow) -> bool {
    who.1.role == Role::Administrator || (who.1.user.is_some() && who.1.user == row.user)
}

fn shown(row: principals::TokenRow) -> api::TokenRow {
    api::TokenRow {
        id: row.id.0,
        name: row.name,
        role: row.role,
        channels: row.channels.map(|list| {
            list.into_iter()
                .filter_map(|label| ChannelLabel::new(label).ok())
                .collect()
        }),
        scope: row.scope,
        created: row.created,
        expires: row.expires,
        revoked: row.revoked,
        last_used: row.last_used,
    }
}

/// Makes a token, with at most the caller's own role and channels.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = api::NewToken,
    responses((status = 201, body = api::MadeToken), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub async fn create(
    State(app): State<Arc<App>>,
    who: As,
    Body(new): Body<api::NewToken>,
) -> Result<(StatusCode, Json<api::MadeToken>), Failure> {
    let As(actor, caller) = &who;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(Failure::invalid(
            "a token's name has 1 to 64 printable characters",
        ));
    }
    let role = new.role.unwrap_or(Role::Download);
    if role > caller.role {
        return Err(Failure::new(
            ErrorKind::Denied,
            format!(
                "you have the role {} and cannot give {}",
                caller.role.as_str(),
                role.as_str()
            ),
        ));
    }
    if new.channels.is_some() && role != Role::Download {
        return Err(
            Failure::invalid("only download tokens can be limited to channels")
                .hint("leave channels out, or make the role download"),
        );
    }
    if new.scope.is_some() && (new.role.is_some() || new.channels.is_some()) {
        return Err(
            Failure::invalid("a token with a scope has neither role nor channels")
                .hint("leave role and channels out, or the scope"),
        );
    }
    if new.scope.is_some() && caller.role < Role::ContentManager {
        return Err(Failure::new(
            ErrorKind::Denied,
            format!(
                "{} cannot give what only content managers may do",
                caller.role.as_str()
            ),
        ));
    }
    // A release that does not know scopes sees a download token for no channel.
    let none = new.scope.is_some().then(Vec::new);
    let channels = none.or(new.channels).or_else(|| caller.channels.clone());
    if let (Some(list), Some(limit)) = (&channels, &caller.channels)
        && list.iter().any(|label| !limit.contains(label))
    {
        return Err(Failure::new(
            ErrorKind::Denied,
            "your own token is limited to fewer channels",
        ));
    }
    for label in channels.iter().flatten() {
        app.content.channel(actor.org, label).await?;
    }
    if new.days.is_some_and(|days| days == 0 || days > 3_650) {
        return Err(Failure::invalid("days has to be 1 to 3650"));
    }
    let expires = new
        .days
        .map(|days| app.now().plus_seconds(i64::from(days) * 86_400));
    let channels: Option<Vec<String>> =
        channels.map(|list| list.iter().map(ToString::to_string).collect());
    let limits = Limits {
        role,
        channels: channels.as_deref(),
        scope: new.scope,
        expires,
    };
    let made = make(&app, &who, name, limits).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// What a token may do, and until when.
struct Limits<'a> {
    role: Role,
    channels: Option<&'a [String]>,
    scope: Option<TokenScope>,
    expires: Option<Instant>,
}

async fn make(
    app: &App,
    who: &As,
    name: &str,
    limits: Limits<'_>,
) -> Result<api::MadeToken, Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let Limits {
        role,
        channels,
        scope,
        expires,
    } = limits;
    let token = new_token();
    let hash = token_hash(&token);
    let row = principals::NewToken {
        org: who.0.org,
        user: who.1.user,
        name,
        hash: &hash,
        role,
        channels,
        scope,
        expires,
    };
    let now = app.now();
    let mut tx = app.db().begin().await.map_err(internal)?;
    let id = principals::create_token(&mut tx, &row, now)
        .await
        .map_err(internal)?;
    let detail = serde_json::json!({ "role": role, "channels": channels, "scope": scope, "expires": expires });
    airlock_db::audit::append(&mut tx, &who.0, now, "token.create", name, &detail)
        .await
        .map_err(internal)?;
    tx.commit().await.map_err(internal)?;
    Ok(api::MadeToken {
        id: id.0,
        name: name.to_owned(),
        token,
        role,
        expires,
    })
}

/// Ends a token at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = i64, Path)),
    responses((status = 200, body = api::TokenRow), (status = 404, body = Problem)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    who: As,
    Path(id): Path<i64>,
) -> Result<Json<api::TokenRow>, Failure> {
    let internal = |error: airlock_db::Error| Failure::internal(&error);
    let unknown =
        || Failure::not_found(format!("there is no token {id}")).hint("airlock token list");
    let find = || async {
        let rows = principals::tokens(app.db(), who.0.org)
            .await
            .map_err(internal)?;
        rows.into_iter()
            .find(|row| row.id == TokenId(id))
            .ok_or_else(unknown)
    };
    let row = find().await?;
    if !own(&who, &row) {
        return Err(unknown());
    }
    let now = app.now();
    let mut tx = app.db().begin().await.map_err(internal)?;
    if principals::revoke_token(&mut tx, who.0.org, TokenId(id), now)
        .await
        .map_err(internal)?
    {
        airlock_db::audit::append(
            &mut tx,
            &who.0,
            now,
            "token.revoke",
            &row.name,
            &serde_json::json!({ "id": id }),
        )
        .await
        .map_err(internal)?;
    }
    tx.commit().await.map_err(internal)?;
    find().await.map(|row| Json(shown(row)))
}
