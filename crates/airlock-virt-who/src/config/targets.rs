//! The options of a section that say where its reports go, and how servers are reached. Reference: virt-who, section 1.3.

use std::time::Duration;

use super::destinations::{Airlock, Satellite5};
use super::environment::Manager;
use super::reader::Reader;
use super::section::Context;
use crate::backend::Level;
use crate::settings::{Proxy, TIMEOUT};

/// Seconds for one request.
pub(super) fn timeout(reader: &mut Reader<'_>, name: &str) -> Duration {
    let Some(value) = reader.fixed(name) else {
        return TIMEOUT;
    };
    match value.text.parse::<u64>() {
        Ok(seconds) if (1..=3600).contains(&seconds) => Duration::from_secs(seconds),
        _ => {
            reader.tell(
                Level::Warning,
                &value.origin,
                format!(
                    "{name} must be a number of seconds from 1 to 3600; {} is used",
                    TIMEOUT.as_secs()
                ),
            );
            TIMEOUT
        }
    }
}

/// `proxy`, `sat_proxy`, `airlock_proxy`: an address, or `none` for straight; unset, what the environment says.
pub(super) fn proxy(reader: &mut Reader<'_>, context: &Context<'_>, name: &str) -> Proxy {
    match reader.text(name) {
        None => context.proxy.clone(),
        Some(value) if value.text.eq_ignore_ascii_case("none") => Proxy::None,
        Some(value) => {
            let text = if value.text.contains("://") {
                value.text.clone()
            } else {
                format!("http://{}", value.text)
            };
            let scheme = text.split("://").next().unwrap_or_default();
            if url::Url::parse(&text).is_err()
                || !matches!(scheme, "http" | "https" | "socks5" | "socks5h")
            {
                reader.tell(
                    Level::Error,
                    &value.origin,
                    format!("{name} is no address of a proxy; write http://HOST:PORT, socks5://HOST:PORT or none"),
                );
                return Proxy::None;
            }
            Proxy::Url(crate::secret::Secret::new(text))
        }
    }
}

/// `sam` or `satellite`.
pub(super) fn manager(reader: &mut Reader<'_>, context: &Context<'_>) -> String {
    let all = ["sat_server", "sat_username"]
        .iter()
        .all(|name| reader.has(name))
        && [
            "sat_password",
            "sat_encrypted_password",
            "sat_password_file",
            "sat_password_credential",
        ]
        .iter()
        .any(|name| reader.has(name));
    let word = match reader.fixed("sm_type") {
        Some(word) => {
            if !matches!(word.text.as_str(), "sam" | "satellite") {
                reader.tell(
                    Level::Error,
                    &word.origin,
                    "sm_type must be one of satellite, sam",
                );
            }
            word.text
        }
        None if context.manager == Some(Manager::Satellite5) && !reader.has("rhsm_hostname") => {
            "satellite".to_owned()
        }
        None => "sam".to_owned(),
    };
    if word == "satellite" && !all {
        for name in ["sat_server", "sat_username", "sat_password"] {
            let there = reader.has(name)
                || (name == "sat_password"
                    && [
                        "sat_encrypted_password",
                        "sat_password_file",
                        "sat_password_credential",
                    ]
                    .iter()
                    .any(|other| reader.has(other)));
            if !there {
                reader.complain(
                    Level::Error,
                    format!("Required option: \"{name}\" not set."),
                );
            }
        }
    }
    word
}

pub(super) fn satellite5(reader: &mut Reader<'_>, context: &Context<'_>) -> Option<Satellite5> {
    let server = reader.text("sat_server");
    let username = reader.text("sat_username");
    let password = context.vault.secret(reader, "sat_password");
    let ca = reader
        .text("sat_ca")
        .map(|value| context.paths.named(&value.text));
    let insecure = reader.boolean("sat_insecure", false);
    let proxy = proxy(reader, context, "sat_proxy");
    let timeout = timeout(reader, "sat_timeout");
    match (server, username, password) {
        (Some(server), Some(username), Some(password)) => Some(Satellite5 {
            server: satellite_address(&server.text),
            username: username.text,
            password,
            ca,
            insecure,
            proxy,
            timeout,
        }),
        (None, None, None) => None,
        _ => {
            reader.complain(
                Level::Warning,
                "sat_server, sat_username and sat_password belong together; nothing is sent to Satellite 5",
            );
            None
        }
    }
}

/// `https://` in front, `/XMLRPC` at the end.
fn satellite_address(written: &str) -> String {
    let mut address = if written.contains("://") {
        written.to_owned()
    } else {
        format!("https://{written}")
    };
    if !address.ends_with("XMLRPC") {
        address = format!("{}/XMLRPC", address.trim_end_matches('/'));
    }
    address
}

pub(super) fn airlock(reader: &mut Reader<'_>, context: &Context<'_>) -> Option<Airlock> {
    let server = reader.text("airlock_server");
    let token = context.vault.secret(reader, "airlock_token");
    let ca = reader
        .text("airlock_ca")
        .map(|value| context.paths.named(&value.text));
    let insecure = reader.boolean("airlock_insecure", false);
    let proxy = proxy(reader, context, "airlock_proxy");
    let timeout = timeout(reader, "airlock_timeout");
    let server = server?;
    let address = if server.text.contains("://") {
        server.text.clone()
    } else {
        format!("https://{}", server.text)
    };
    let Ok(url) = url::Url::parse(&address) else {
        reader.tell(
            Level::Error,
            &server.origin,
            "airlock_server is no address; write https://HOST",
        );
        return None;
    };
    let Some(token) = token else {
        reader.tell(
            Level::Error,
            &server.origin,
            "airlock_token_file is not set; make a token with: airlock token create NAME --scope hypervisors:write",
        );
        return None;
    };
    let local = url
        .host_str()
        .is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "http" && !local {
        reader.tell(
            Level::Warning,
            &server.origin,
            "airlock_server is reached without TLS: everybody on the way can read the token",
        );
    }
    Some(Airlock {
        server: address.trim_end_matches('/').to_owned(),
        token,
        ca,
        insecure,
        proxy,
        reporter_id: context.global.reporter_id.clone(),
        interval: context.global.interval,
        timeout,
    })
}
