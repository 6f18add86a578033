//! Which server a command talks to: what its options say, then the environment, then the last login, then this machine.

use std::path::PathBuf;

use super::{Client, Credentials, Target, Url};
use crate::cli::Global;
use crate::fail::{Fail, Result};

/// The client for these options. `variable` reads the environment.
pub fn find(global: &Global, variable: impl Fn(&str) -> Option<String>) -> Result<Client> {
    let text = |name: &str| variable(name).filter(|value| !value.is_empty());
    let ca = global
        .server_ca
        .clone()
        .or_else(|| text("AIRLOCK_CA").map(PathBuf::from));
    let network = |url: &str| -> Result<Client> {
        let url = Url::parse(url)?;
        let token = match text("AIRLOCK_TOKEN") {
            Some(token) => Some(token),
            None => Credentials::load(&variable)?.token(&url.to_string()),
        };
        Ok(Client::new(Target::Network(url), token, ca.clone()))
    };
    let socket = |data: PathBuf| {
        Ok(Client::new(
            Target::Socket(data),
            text("AIRLOCK_TOKEN"),
            None,
        ))
    };
    if let Some(data) = &global.data {
        return socket(data.clone());
    }
    if let Some(url) = &global.server {
        return network(url);
    }
    if let Some(data) = text("AIRLOCK_DATA") {
        return socket(PathBuf::from(data));
    }
    if let Some(url) = text("AIRLOCK_SERVER") {
        return network(&url);
    }
    let usual = PathBuf::from(airlock_server::settings::DEFAULT_DATA);
    if usual.join(airlock_server::local_socket::SOCKET).exists() {
        return socket(usual);
    }
    if let Some(url) = Credentials::load(&variable)?.last {
        return network(&url);
    }
    Err(Fail::usage("which server?").hint("give --data DIR (or AIRLOCK_DATA) of a server on this machine, or --server URL (or AIRLOCK_SERVER)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(data: Option<&str>, server: Option<&str>) -> Global {
        Global {
            data: data.map(PathBuf::from),
            server: server.map(str::to_owned),
            server_ca: None,
            json: false,
        }
    }

    #[test]
    fn options_win_over_the_environment() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap().to_owned();
        let environment = |name: &str| match name {
            "AIRLOCK_DATA" => Some("/e".to_owned()),
            "AIRLOCK_SERVER" => Some("http://e:1".to_owned()),
            "XDG_CONFIG_HOME" => Some(home.clone()),
            _ => None,
        };
        let target = |global: &Global| find(global, environment).unwrap().target;
        assert_eq!(
            target(&global(Some("/o"), None)),
            Target::Socket("/o".into())
        );
        assert_eq!(
            target(&global(None, Some("http://o:2"))),
            Target::Network(Url::parse("http://o:2").unwrap())
        );
        assert_eq!(target(&global(None, None)), Target::Socket("/e".into()));
    }
}
