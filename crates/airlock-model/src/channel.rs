//! Channels and their settings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, ChannelLabel, Instant, OrgId, UpstreamId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word used in API, CLI and database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("\"{other}\" is none of: {}", [$($word),+].join(", "))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

words!(
    /// When package files are brought here.
    Policy {
        /// At sync: every file is here before the version is published.
        Immediate = "immediate",
        /// At a client's first request, verified, stored and streamed.
        OnDemand = "on-demand",
        /// Never: clients are redirected to the upstream (`file://` upstreams are streamed).
        MetadataOnly = "metadata-only",
    }
);
words!(
    /// What happens to a package or repository whose signature is missing or not by the channel's keys.
    SignaturePolicy {
        /// Left out of the version (package), or the sync fails (repository signature that is wrong).
        Require = "require",
        /// Taken, and named in the sync's warnings.
        Warn = "warn",
        /// Not looked at.
        Off = "off",
    }
);
words!(
    /// A wish for what happens to missing or wrong signatures.
    SignatureWish {
        /// As [`SignaturePolicy::Require`].
        Require = "require",
        /// As [`SignaturePolicy::Warn`].
        Warn = "warn",
        /// As [`SignaturePolicy::Off`].
        Off = "off",
        /// `warn` while there are no keys, `require` from the first key on.
        Default = "default",
    }
);

impl SignatureWish {
    /// The policy to be stored; none for the default.
    #[must_use]
    pub const fn policy(self) -> Option<SignaturePolicy> {
        match self {
            Self::Require => Some(SignaturePolicy::Require),
            Self::Warn => Some(SignaturePolicy::Warn),
            Self::Off => Some(SignaturePolicy::Off),
            Self::Default => None,
        }
    }
}

words!(
    /// Who may download.
    Access {
        /// Everybody who reaches the server.
        Public = "public",
        /// Only with a token.
        Token = "token",
    }
);
words!(
    /// Whose metadata files are served.
    MetadataMode {
        /// Airlock's own, from stored fragments.
        Own = "own",
        /// The upstream's, byte by byte, so that its signature stays valid.
        Verbatim = "verbatim",
    }
);
words!(
    /// What happens when a new version would hold packages that cannot be installed.
    #[derive(Default)]
    Gate {
        /// Nothing: it is not looked at.
        #[default]
        Off = "off",
        /// The version is not published when it holds such packages that the version before did not.
        NewlyBroken = "newly-broken",
        /// The version is not published when it holds any.
        Broken = "broken",
    }
);
words!(
    /// How own metadata files are compressed.
    Compression {
        /// zstd, for dnf 4.14 and newer clients of EL 8 and later.
        Zstd = "zstd",
        /// gzip, for every client.
        Gz = "gz",
    }
);

/// Which packages of the upstreams are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageFilter {
    /// Newest N versions a name and architecture; none means all.
    pub latest: Option<u32>,
    /// Name globs to take; empty means all.
    pub include: Vec<String>,
    /// Name globs to leave out; they win over `include`.
    pub exclude: Vec<String>,
    /// Architectures to take; empty means all.
    pub arches: Vec<String>,
    /// Architectures to leave out; they win over `arches`.
    // Left out when empty, so that the release before, which does not know it, reads filters without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_arches: Vec<String>,
    /// Module streams to take, as `name:stream` globs; empty means all.
    pub modules: Vec<String>,
    /// Module streams to leave out, as `name:stream` globs; they win over `modules`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_modules: Vec<String>,
    /// Whether source packages are taken.
    pub source_packages: bool,
}

impl PackageFilter {
    /// Whether the filter lets every binary and source package through.
    #[must_use]
    pub fn takes_everything(&self) -> bool {
        self.latest.is_none()
            && self.include.is_empty()
            && self.exclude.is_empty()
            && self.arches.is_empty()
            && self.exclude_arches.is_empty()
            && self.modules.is_empty()
            && self.exclude_modules.is_empty()
    }
}

/// How an upstream is reached. Secrets are written, never read back; `***` sent back keeps the stored one as long as URL,
/// proxy, `ca` and `insecure` stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Proxy URL; its user and password are shown as `***`.
    pub proxy: Option<String>,
    /// Basic authentication: user name.
    pub username: Option<String>,
    /// Basic authentication: password; shown as `***`.
    pub password: Option<String>,
    /// PEM file of the client certificate on the server.
    pub client_cert: Option<String>,
    /// PEM file of the client key on the server.
    pub client_key: Option<String>,
    /// PEM file of the CA to trust for this upstream.
    pub ca: Option<String>,
    /// Query string added to every request (URL token); shown as `***`.
    pub token: Option<String>,
    /// Skip verification of the upstream's certificate.
    pub insecure: bool,
}

/// One upstream of a channel, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelUpstream {
    /// Its id.
    pub id: UpstreamId,
    /// Repository, mirror list or metalink URL (`http`, `https`, `file`); credentials are not part of it.
    pub url: String,
    /// How it is reached (secrets masked).
    pub settings: UpstreamSettings,
    /// Revision text of the last synced `repomd.xml`.
    pub last_revision: Option<String>,
    /// When it was last synced well.
    pub last_synced: Option<Instant>,
}

/// A channel as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its owner.
    pub org: OrgId,
    /// Its label.
    pub label: ChannelLabel,
    /// Its name for people.
    pub name: String,
    /// One line about it.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Architecture (`x86_64`, `aarch64`, `noarch` … or empty for any).
    pub arch: String,
    /// Checksum type of published metadata: `sha256`, `sha384`, `sha512`, or `sha1` for EL 5 clients.
    pub checksum: String,
    /// Its base channel, when it is a child.
    pub parent: Option<ChannelLabel>,
    /// The channel that it is a clone of.
    pub cloned_from: Option<ChannelLabel>,
    /// Where its content comes from.
    pub upstreams: Vec<ChannelUpstream>,
    /// When package files are brought here.
    pub policy: Policy,
    /// What happens on missing or foreign signatures. None: `warn` while there are no keys, `require` from the first key on.
    pub signatures: Option<SignaturePolicy>,
    /// Who may download.
    pub access: Access,
    /// Whose metadata is served.
    pub metadata: MetadataMode,
    /// How own metadata is compressed.
    pub compression: Compression,
    /// Whether own metadata gets a `repomd.xml.asc` by the server's key.
    pub sign_metadata: bool,
    /// What is taken of the upstreams.
    pub filter: PackageFilter,
    /// What keeps a version with broken packages from being published.
    pub gate: Gate,
    /// Fingerprints of its keys.
    pub keys: Vec<String>,
    /// When it syncs by itself: `daily 02:00`, `hourly`, or a cron line; none for never.
    pub schedule: Option<String>,
    /// When the schedule comes due next.
    pub next_sync: Option<Instant>,
    /// How its last sync ended, as far as the server still knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<crate::LastSync>,
    /// The current version's number; none before the first content.
    pub current: Option<i64>,
    /// When it was made.
    pub created: Instant,
    /// When it was deleted, while that can be undone.
    pub deleted: Option<Instant>,
    /// Packages of the current version.
    pub packages: u64,
    /// Errata of the current version.
    pub errata: u64,
}

impl Channel {
    /// The signature policy in force: the set one, else `warn` without keys and `require` with keys.
    #[must_use]
    pub fn effective_signatures(&self) -> SignaturePolicy {
        self.signatures.unwrap_or(if self.keys.is_empty() {
            SignaturePolicy::Warn
        } else {
            SignaturePolicy::Require
        })
    }
}

/// An upstream as given by a person: URL and how to reach it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewUpstream {
    /// Repository, mirror list or metalink URL.
    pub url: String,
    /// How it is reached.
    pub settings: UpstreamSettings,
}

/// A wish for a new channel. Everything but the label has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its label.
    pub label: ChannelLabel,
    /// The other settings.
    #[serde(default)]
    pub settings: ChannelPatch,
}

/// A change of a channel's settings; absent fields stay (in a new channel: get their default).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelPatch {
    /// Name for people; default: the label.
    pub name: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Architecture.
    pub arch: Option<String>,
    /// Checksum type of published metadata; default `sha256`.
    pub checksum: Option<String>,
    /// Base channel; an empty text makes it a base channel.
    pub parent: Option<String>,
    /// All upstreams, in order.
    pub upstreams: Option<Vec<NewUpstream>>,
    /// Default `immediate`.
    pub policy: Option<Policy>,
    /// Default: `warn` without keys, `require` from the first key on; `default` goes back to that.
    pub signatures: Option<SignatureWish>,
    /// Default `public`.
    pub access: Option<Access>,
    /// Default `own`.
    pub metadata: Option<MetadataMode>,
    /// Default `zstd`.
    pub compression: Option<Compression>,
    /// Default off.
    pub sign_metadata: Option<bool>,
    /// All filters.
    pub filter: Option<PackageFilter>,
    /// Armored public keys, in place of the present ones.
    pub keys: Option<Vec<String>>,
    /// Schedule; an empty text removes it.
    pub schedule: Option<String>,
    /// Default `off`.
    pub gate: Option<Gate>,
}
