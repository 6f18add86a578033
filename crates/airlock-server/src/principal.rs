//! Who is asking: by token in the `Authorization` header, or by the local socket's peer credentials. Nothing else:
//! a token in a URL would end up in logs.

use std::sync::Arc;

use airlock_db::principals::TokenRow;
use airlock_model::{ChannelLabel, ErrorKind, OrgId, Role, TokenScope, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::listen::Peer;
use crate::local_socket;
use crate::password::{TOKEN_PREFIX, token_hash};
use crate::problem::Failure;

/// A known caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organization acted in.
    pub org: OrgId,
    /// `user:LOGIN/token:ID` with a person's token, `token:ID (NAME)` with one that belongs to nobody, or `local:UID`.
    /// A token's name is free: it never says alone who somebody is.
    pub principal: String,
    /// What the caller may do.
    pub role: Role,
    /// The channels a download token is limited to; none for all.
    pub channels: Option<Vec<ChannelLabel>>,
    /// The one thing that the caller may do, whatever its role is.
    pub scope: Option<TokenScope>,
    /// Whose token it is.
    pub user: Option<UserId>,
}

impl Caller {
    /// Whether the caller administers the server itself: an administrator of the first organization.
    #[must_use]
    pub fn administers_server(&self) -> bool {
        self.role == Role::Administrator && self.org == OrgId::DEFAULT
    }

    /// The refusal for everybody else.
    #[must_use]
    pub fn is_no_server_administrator(&self) -> Failure {
        Failure::new(
            ErrorKind::Denied,
            format!(
                "this needs an administrator of the server, and {} is none",
                self.principal
            ),
        )
        .hint("administrators of the organization \"default\" administer the server; so does root on it")
    }
}

/// The caller behind an `Authorization` header: `Bearer TOKEN`, or `Basic` with the token as password (any user name,
/// `token` by custom). None without a header.
///
/// # Errors
/// 401 for a header that is not understood or a token that is unknown, ended or revoked; all alike.
pub async fn of_authorization(
    app: &App,
    header: Option<&str>,
) -> Result<Option<Arc<Caller>>, Failure> {
    let Some(header) = header else {
        return Ok(None);
    };
    let unknown = || {
        Failure::unauthorized("the token is not known here, has ended or was revoked")
            .hint("airlock token list shows tokens; airlock login makes a new one")
    };
    let token = token_of(Some(header)).ok_or_else(unknown)?;
    let hash = token_hash(&token);
    if let Some(known) = app.lookup.caller(&hash) {
        return known.map(Some).ok_or_else(unknown);
    }
    let began = app.lookup.begin();
    let row = airlock_db::principals::use_token(app.db(), &hash, app.now())
        .await
        .map_err(|error| Failure::internal(&error))?;
    let caller = row.map(|row| {
        let principal = principal_of(&row);
        // A label that cannot be read matches no channel.
        let channels = row.channels.map(|list| {
            list.into_iter()
                .filter_map(|label| ChannelLabel::new(label).ok())
                .collect()
        });
        Arc::new(Caller {
            org: row.org,
            principal,
            role: row.role,
            channels,
            scope: row.scope,
            user: row.user,
        })
    });
    app.lookup.keep_caller(began, &hash, caller.as_ref());
    caller.map(Some).ok_or_else(unknown)
}

/// Who acts with a token. The first word identifies the token, whatever its name is.
fn principal_of(token: &TokenRow) -> String {
    match &token.login {
        Some(login) => format!("user:{login}/token:{}", token.id),
        None => format!("token:{} ({})", token.id, token.name),
    }
}

/// The token in an `Authorization` header, if there is one of our form.
#[must_use]
pub fn token_of(header: Option<&str>) -> Option<String> {
    let (scheme, rest) = header?.trim().split_once(' ')?;
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        text.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    let good = token.starts_with(TOKEN_PREFIX)
        && token.len() <= 128
        && token.bytes().all(|b| b.is_ascii_graphic());
    good.then_some(token)
}

/// The caller at the other end of the local socket: root and the server's own user administer.
#[must_use]
pub fn of_peer(peer: Peer) -> Option<Caller> {
    match peer {
        Peer::Local { uid } if local_socket::administers(uid) => Some(Caller {
            org: OrgId::DEFAULT,
            principal: format!("local:{uid}"),
            role: Role::Administrator,
            channels: None,
            scope: None,
            user: None,
        }),
        Peer::Local { .. } | Peer::Network(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_from_bearer_and_basic_only() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(token_of(Some("Bearer airl_x")).as_deref(), Some("airl_x"));
        assert_eq!(token_of(Some("bearer  airl_x ")).as_deref(), Some("airl_x"));
        assert_eq!(
            token_of(Some(&basic("token:airl_x"))).as_deref(),
            Some("airl_x")
        );
        assert_eq!(
            token_of(Some(&basic(":airl_x:y"))).as_deref(),
            Some("airl_x:y")
        );
        for wrong in [
            "airl_x",
            "Bearer",
            "Bearer x",
            "Digest airl_x",
            "Basic !!",
            "Bearer airl_x y",
            "",
        ] {
            assert_eq!(token_of(Some(wrong)), None, "{wrong}");
        }
        assert_eq!(token_of(Some(&basic("airl_x"))), None);
        assert_eq!(token_of(None), None);
    }

    #[test]
    fn other_local_users_are_nobody() {
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(
            of_peer(Peer::Local { uid: own }).unwrap().role,
            Role::Administrator
        );
        assert_eq!(of_peer(Peer::Local { uid: own + 1_000 }), None);
        assert_eq!(of_peer(Peer::Local { uid: u32::MAX }), None);
        assert_eq!(of_peer(Peer::Network("127.0.0.1:1".parse().unwrap())), None);
    }
}
