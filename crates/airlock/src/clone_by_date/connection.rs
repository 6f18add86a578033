//! The way to the server: as for every command, or by the old tool's URL, user and password.

use airlock_server::api;
use http::Method;
use serde_json::Value;

use super::wish::Login;
use crate::cli::Global;
use crate::client::{self, Client};
use crate::command::{Context, secret, variable, warn_if_open};
use crate::fail::{Fail, Result};

/// Days that the token of a run would last if the run could not end it.
const DAYS: u16 = 1;

/// A connection, with the token that was made for it.
pub struct Session {
    /// What commands work with.
    pub context: Context,
    token: Option<i64>,
}

impl Session {
    /// Finds the server, and logs in where a user was named.
    ///
    /// # Errors
    /// No server, a wrong password, or none and nobody to ask.
    pub async fn open(mut global: Global, login: &Login) -> Result<Self> {
        // The command line's URL or folder wins over the file's URL, and that one over the environment.
        if global.server.is_none() && global.data.is_none() {
            global.server.clone_from(&login.server);
        }
        global.server = global.server.as_deref().map(without_old_path);
        let client = client::find(&global, variable)?;
        let context = |client: Client| Context {
            client,
            json: global.json,
            global: global.clone(),
        };
        let Some(username) = &login.username else {
            if login.password.is_some() {
                return Err(Fail::usage("a password without a user: whose is it?")
                    .hint("-u LOGIN, or \"username\" in the config file"));
            }
            return Ok(Self {
                context: context(client),
                token: None,
            });
        };
        let Some(url) = client.network() else {
            eprintln!(
                "note: on the local socket user and password are not needed; they are not looked at"
            );
            return Ok(Self {
                context: context(client),
                token: None,
            });
        };
        warn_if_open(url);
        let password = match &login.password {
            Some(password) => password.clone(),
            None => secret::from_terminal(&format!("Password of {username}: "))?.ok_or_else(|| {
                Fail::new(format!(
                    "no password for {username}, and nobody is there to be asked"
                ))
                .hint(format!("-p PASSWORD, or \"password\" in the config file; or log in once (airlock login --server {url} --user {username}) and leave -u out"))
            })?,
        };
        let client = client.with_token(None);
        let wish = api::Login {
            login: username.clone(),
            password,
            name: Some("clone-by-date".to_owned()),
            days: Some(DAYS),
        };
        let made: api::MadeToken = client.send(Method::POST, "/api/v1/login", &wish).await?;
        Ok(Self {
            context: context(client.with_token(Some(made.token))),
            token: Some(made.id),
        })
    }

    /// Ends the token that was made for this run; one that cannot be ended now ends by itself after a day.
    pub async fn close(self) {
        if let Some(id) = self.token {
            let path = format!("/api/v1/tokens/{id}");
            let _: Result<Value> = self.context.client.bare(Method::DELETE, &path).await;
        }
    }
}

/// The server's URL without the path of the old API.
fn without_old_path(url: &str) -> String {
    let bare = url.trim().trim_end_matches('/');
    bare.strip_suffix("/rpc/api").unwrap_or(bare).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_old_api_is_left_out() {
        for (old, new) in [
            ("https://sat.example.org/rpc/api", "https://sat.example.org"),
            (
                "https://sat.example.org/rpc/api/",
                "https://sat.example.org",
            ),
            ("https://h/airlock/rpc/api", "https://h/airlock"),
            ("https://sat.example.org/", "https://sat.example.org"),
            (" http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(without_old_path(old), new);
        }
    }
}
