//! Who does something, and on whose behalf: carried into every change of the domain.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::OrgId;

/// What a user or token may do. Each includes the ones before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Downloads from repositories only.
    Download,
    /// Reads everything of the organization.
    Reader,
    /// Changes content: channels, sync, push, promotion.
    ContentManager,
    /// Everything of the organization, its users included. In the first organization ("default") also the server
    /// itself: organizations, checks, backups.
    Administrator,
}

impl Role {
    /// All roles, from the least to the most.
    pub const ALL: [Self; 4] = [
        Self::Download,
        Self::Reader,
        Self::ContentManager,
        Self::Administrator,
    ];

    /// The word for the role in API and CLI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Reader => "reader",
            Self::ContentManager => "content-manager",
            Self::Administrator => "administrator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "download" => Ok(Self::Download),
            "reader" => Ok(Self::Reader),
            "content-manager" => Ok(Self::ContentManager),
            "administrator" => Ok(Self::Administrator),
            other => Err(format!(
                "unknown role \"{other}\": download, reader, content-manager or administrator"
            )),
        }
    }
}

/// Why a change happened: by a person's command, by a schedule, or by the server itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Asked for through a face.
    Request,
    /// A schedule came due.
    Schedule,
    /// Upkeep by the server itself.
    Upkeep,
}

impl Cause {
    /// The word stored in the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Schedule => "schedule",
            Self::Upkeep => "upkeep",
        }
    }
}

/// The principal behind a change, for rights and for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The organization acted in.
    pub org: OrgId,
    /// `user:admin/token:7` with a person's token, `user:admin` at a login, `token:9 (ci)` with a token that belongs to
    /// nobody, `local:0` (socket, by uid) or `server`.
    pub principal: String,
    /// What the principal may do.
    pub role: Role,
    /// The request that this belongs to; stands in logs and problem documents too.
    pub request_id: String,
    /// Why it happens.
    pub cause: Cause,
}

impl Actor {
    /// The server itself, acting by schedule or upkeep.
    #[must_use]
    pub fn server(cause: Cause, request_id: impl Into<String>) -> Self {
        Self {
            org: OrgId::DEFAULT,
            principal: "server".to_owned(),
            role: Role::Administrator,
            request_id: request_id.into(),
            cause,
        }
    }
}
