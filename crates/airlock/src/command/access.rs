//! `airlock login`, `token …`, `user …`, `org …`.

use airlock_model::TokenScope;
use airlock_server::api;
use http::Method;
use serde_json::Value;

use super::channel::label;
use super::{Context, secret, variable};
use crate::cli::Global;
use crate::cli::server::{LoginArgs, OrgCommand, TokenCommand, UserCommand};
use crate::client::{Client, Credentials, Target, Url, encoded};
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::table::Table;

/// `airlock login`.
pub async fn login(global: &Global, args: LoginArgs) -> Result {
    let server = global.server.clone().or_else(|| variable("AIRLOCK_SERVER"));
    let Some(server) = server else {
        return Err(Fail::usage("log in where?").hint("airlock login --server https://airlock.example.org; on the server itself no login is needed: --data DIR"));
    };
    let url = Url::parse(&server)?;
    warn_if_open(&url);
    let ca = global
        .server_ca
        .clone()
        .or_else(|| variable("AIRLOCK_CA").map(Into::into));
    let client = Client::new(Target::Network(url.clone()), None, ca);
    let password = secret::from_file_or_terminal(
        args.password_file.as_deref(),
        &format!("Password of {}: ", args.user),
        false,
    )?;
    let wish = api::Login {
        login: args.user.clone(),
        password,
        name: args.name,
        days: args.days,
    };
    let made: api::MadeToken = client.send(Method::POST, "/api/v1/login", &wish).await?;
    let path = Credentials::keep(&variable, &url.to_string(), &made.token)?;
    if global.json {
        // The token itself stays in the file.
        return show::json(
            &serde_json::json!({ "server": url.to_string(), "role": made.role, "expires": made.expires, "file": path }),
        );
    }
    let until = made
        .expires
        .map_or_else(String::new, |at| format!(" until {}", show::time(at)));
    show::line(&format!(
        "logged in to {url} as {} ({}){until}",
        args.user,
        made.role.as_str()
    ))
}

/// Says so when a password would go over an open network.
pub fn warn_if_open(url: &Url) {
    if !url.tls && !matches!(url.host.as_str(), "127.0.0.1" | "::1" | "localhost") {
        eprintln!("warning: {url} is not encrypted; the password can be read on the way");
    }
}

/// `airlock token …`.
pub async fn token(context: &Context, command: TokenCommand) -> Result {
    match command {
        TokenCommand::Create {
            name,
            role,
            scope,
            channels,
            days,
        } => {
            let channels = channels
                .iter()
                .map(|text| label(text))
                .collect::<Result<Vec<_>>>()?;
            let wish = api::NewToken {
                name,
                role,
                scope,
                channels: (!channels.is_empty()).then_some(channels),
                days,
            };
            let made: api::MadeToken = context
                .client
                .send(Method::POST, "/api/v1/tokens", &wish)
                .await?;
            if context.json {
                return show::json(&made);
            }
            eprintln!(
                "token {} ({}); it is shown this once:",
                made.id,
                scope.map_or(made.role.as_str(), TokenScope::as_str)
            );
            show::line(&made.token)
        }
        TokenCommand::List => {
            let rows: Vec<api::TokenRow> = context.client.get("/api/v1/tokens").await?;
            if context.json {
                return show::json(&rows);
            }
            let mut table = Table::new(&[">ID", "~NAME", "ROLE", "~CHANNELS", "CREATED", "STATE"]);
            for row in &rows {
                let listed = row.channels.as_ref().filter(|_| row.scope.is_none());
                let all = if row.scope.is_some() { "-" } else { "all" };
                let channels = listed.map_or_else(
                    || all.to_owned(),
                    |list| match list.as_slice() {
                        [one] => one.to_string(),
                        many => format!("{} channels", many.len()),
                    },
                );
                let state = match (row.revoked, row.expires) {
                    (Some(at), _) => format!("revoked {}", show::time(at)),
                    (None, Some(at)) => format!("until {}", show::time(at)),
                    (None, None) => "in use".to_owned(),
                };
                table.row(vec![
                    row.id.to_string(),
                    row.name.clone(),
                    row.scope
                        .map_or(row.role.as_str(), TokenScope::as_str)
                        .to_owned(),
                    channels,
                    show::time(row.created),
                    state,
                ]);
            }
            show::print(&table.text())
        }
        TokenCommand::Revoke { id } => {
            let row: Value = context
                .client
                .bare(Method::DELETE, &format!("/api/v1/tokens/{id}"))
                .await?;
            if context.json {
                show::json(&row)
            } else {
                show::line(&format!("token {id}: revoked"))
            }
        }
    }
}

/// `airlock user …`.
pub async fn user(context: &Context, command: UserCommand) -> Result {
    match command {
        UserCommand::Create {
            login,
            role,
            password_file,
            org,
        } => {
            let password = secret::from_file_or_terminal(
                password_file.as_deref(),
                &format!("Password for {login}: "),
                true,
            )?;
            let row: api::UserRow = context
                .client
                .send(
                    Method::POST,
                    "/api/v1/users",
                    &api::NewUser {
                        login,
                        password,
                        role,
                        org,
                    },
                )
                .await?;
            if context.json {
                show::json(&row)
            } else {
                show::line(&format!(
                    "user {}: created ({})",
                    row.login,
                    row.role.as_str()
                ))
            }
        }
        UserCommand::List { org } => {
            let path = of_org("/api/v1/users", org.as_deref());
            let rows: Vec<api::UserRow> = context.client.get(&path).await?;
            if context.json {
                return show::json(&rows);
            }
            let mut table = Table::new(&["~LOGIN", "ORG", "ROLE", "STATE", "CREATED"]);
            for row in &rows {
                let state = if row.disabled { "disabled" } else { "in use" };
                table.row(vec![
                    row.login.clone(),
                    row.org.clone(),
                    row.role.as_str().to_owned(),
                    state.to_owned(),
                    show::time(row.created),
                ]);
            }
            show::print(&table.text())
        }
        UserCommand::Set {
            login,
            role,
            disabled,
            password,
            password_file,
        } => {
            let password = if password || password_file.is_some() {
                Some(secret::from_file_or_terminal(
                    password_file.as_deref(),
                    &format!("New password of {login}: "),
                    true,
                )?)
            } else {
                None
            };
            if password.is_none() && disabled.is_none() && role.is_none() {
                return Err(Fail::usage("nothing to set").hint("airlock user set --help"));
            }
            let path = format!("/api/v1/users/{}", encoded(&login));
            let row: api::UserRow = context
                .client
                .send(
                    Method::PATCH,
                    &path,
                    &api::UserPatch {
                        password,
                        disabled,
                        role,
                    },
                )
                .await?;
            if context.json {
                show::json(&row)
            } else {
                show::line(&format!("user {}: set", row.login))
            }
        }
    }
}

/// A path of the API, about another organization when one is named.
pub fn of_org(path: &str, org: Option<&str>) -> String {
    org.map_or_else(
        || path.to_owned(),
        |org| {
            let sign = if path.contains('?') { '&' } else { '?' };
            format!("{path}{sign}org={}", encoded(org))
        },
    )
}

/// `airlock org …`.
pub async fn org(context: &Context, command: OrgCommand) -> Result {
    let row: api::OrganizationRow = match command {
        OrgCommand::Create { name } => {
            context
                .client
                .send(
                    Method::POST,
                    "/api/v1/organizations",
                    &api::NewOrganization { name },
                )
                .await?
        }
        OrgCommand::Show { name } => {
            let path = format!("/api/v1/organizations/{}", encoded(&name));
            context.client.get(&path).await?
        }
        OrgCommand::List => {
            let rows: Vec<api::OrganizationRow> =
                context.client.get("/api/v1/organizations").await?;
            if context.json {
                return show::json(&rows);
            }
            let mut table = Table::new(&["~NAME", ">USERS", ">CHANNELS", "CREATED"]);
            for row in &rows {
                table.row(vec![
                    row.name.clone(),
                    row.users.to_string(),
                    row.channels.to_string(),
                    show::time(row.created),
                ]);
            }
            return show::print(&table.text());
        }
    };
    if context.json {
        return show::json(&row);
    }
    show::line(&show::plain(&format!(
        "organization {}: {} users, {} channels, created {}",
        row.name,
        row.users,
        row.channels,
        show::time(row.created)
    )))
}
