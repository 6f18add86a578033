//! What the REST API takes and answers beside the nouns of `airlock-model`. The command line uses the same types.

pub use airlock_content::FetchOutcome;
use airlock_model::{ChannelLabel, Instant, Role, TokenScope, UndonePlan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/login`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user's login.
    pub login: String,
    /// The user's password.
    pub password: String,
    /// What the token is called in lists; default `login`.
    #[serde(default)]
    pub name: Option<String>,
    /// Days until the token ends, 1 to 365; default 30.
    #[serde(default)]
    pub days: Option<u16>,
}

/// A token as it is shown once, when it was made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// Its number, for `token revoke`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The secret. It is stored as a hash and cannot be shown again.
    pub token: String,
    /// What it may do.
    pub role: Role,
    /// When it ends.
    pub expires: Option<Instant>,
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// `user:admin/token:7` with a person's token, `token:9 (ci)` with one that belongs to nobody, or `local:0` (the
    /// local socket, by uid).
    pub principal: String,
    /// The organization's number.
    pub org: i64,
    /// What the caller may do.
    pub role: Role,
    /// The channels a download token is limited to.
    pub channels: Option<Vec<ChannelLabel>>,
    /// The server's version.
    pub server: String,
}

/// `POST /api/v1/sync`: one of the three ways to say which channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sync {
    /// These channels.
    pub channels: Vec<ChannelLabel>,
    /// Every channel with an upstream.
    pub all: bool,
    /// This base channel and its children.
    pub tree: Option<ChannelLabel>,
    /// Takes a state that the shrink guard would hold.
    pub accept_shrink: bool,
}

/// `POST /api/v1/channels/{label}/add` and `/remove`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// NEVRAs and advisory names.
    pub items: Vec<String>,
    /// Where added ones are looked for; default: everything the organization has.
    pub from: Option<ChannelLabel>,
    /// What added packages need, and the channel and its base channel lack, comes along from `from` and its base channel.
    pub with_dependencies: bool,
}

/// `POST /api/v1/channels/{label}/promote`: the channel becomes exactly what `from` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// `LABEL`, `LABEL@7` or `LABEL@2026-06-01`.
    pub from: String,
    /// The whole tree: base channel into base channel, children paired in the order of their labels.
    #[serde(default)]
    pub tree: bool,
}

/// `POST /api/v1/channels/{label}/rollback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// A version number, an instant, or a day that is over.
    pub version: String,
    /// The whole tree, each channel to what was current in it when that version was.
    #[serde(default)]
    pub tree: bool,
}

/// `POST /api/v1/clones/undo`: takes applied plans back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The plans, in any order.
    pub plans: Vec<UndonePlan>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// `POST /api/v1/channels/{label}/fetch`: brings every package file of a version here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// A version number or an instant; default: the current one.
    pub version: Option<String>,
}

/// `POST /api/v1/channels/{label}/check`: says which packages of a version cannot be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// A version number or an instant; default: the current one.
    pub version: Option<String>,
    /// Channels beside it: `LABEL`, `LABEL@7` or `LABEL@2026-06-01`. Base channels come along by themselves.
    pub with: Vec<String>,
    /// `LABEL[@VERSION]`: the report says which packages are broken there, too.
    pub baseline: Option<String>,
}

/// `POST /api/v1/fsck`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fsck {
    /// Hash every blob again.
    pub deep: bool,
    /// Mend what can be mended.
    pub repair: bool,
}

/// `POST /api/v1/gc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gc {
    /// Unreferenced blobs younger than this stay; default a day.
    pub grace_seconds: Option<i64>,
}

/// `POST /api/v1/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// An absolute path on the server.
    pub directory: String,
}

/// `POST /api/v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called in lists and in the audit log.
    pub name: String,
    /// What it may do; at most what the caller may. Default `download`.
    #[serde(default)]
    pub role: Option<Role>,
    /// The channels it may download from; absent for all.
    #[serde(default)]
    pub channels: Option<Vec<ChannelLabel>>,
    /// The one thing that it may do: `hypervisors:write`; without role and channels. Absent for what the role allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
    /// Days until it ends, 1 to 3650; absent for never.
    #[serde(default)]
    pub days: Option<u16>,
}

/// A token as listed; the secret is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The channels it is limited to.
    pub channels: Option<Vec<ChannelLabel>>,
    /// The one thing that it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
    /// When it was made.
    pub created: Instant,
    /// When it ends.
    pub expires: Option<Instant>,
    /// When it was revoked.
    pub revoked: Option<Instant>,
    /// When it was last used (to the hour).
    pub last_used: Option<Instant>,
}

/// `POST /api/v1/organizations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// Its name, unique in the server: 1 to 128 printable characters.
    pub name: String,
}

/// An organization as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationRow {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Instant,
    /// Its users, disabled ones included.
    pub users: u64,
    /// Its channels.
    pub channels: u64,
}

/// `POST /api/v1/users`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The login: 1 to 64 characters of `a-z`, `0-9`, `-`, `.`, `_`.
    pub login: String,
    /// The password, at least 12 characters.
    pub password: String,
    /// What the user may do.
    pub role: Role,
    /// The organization's name; absent for the caller's own. Another one needs an administrator of the server.
    #[serde(default)]
    pub org: Option<String>,
}

/// `PATCH /api/v1/users/{login}`; absent fields stay.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserPatch {
    /// A new password; the user's tokens end.
    pub password: Option<String>,
    /// Whether the user is shut out.
    pub disabled: Option<bool>,
    /// What the user may do from now on; tokens of the user that may do more end.
    pub role: Option<Role>,
}

/// A user as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRow {
    /// The login.
    pub login: String,
    /// The organization's name.
    pub org: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user is shut out.
    pub disabled: bool,
    /// When the user was made.
    pub created: Instant,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Its number; the log only grows.
    pub id: i64,
    /// When it happened.
    pub instant: Instant,
    /// Who did it.
    pub principal: String,
    /// Why: `request`, `schedule`, `upkeep`.
    pub cause: String,
    /// The request that it came from.
    pub request_id: String,
    /// What was done: `channel.create`.
    pub verb: String,
    /// To what: a label, a login.
    pub object: String,
    /// More about it, as JSON.
    pub detail: String,
}
