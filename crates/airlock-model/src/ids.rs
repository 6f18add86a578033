//! Database identities as newtypes, so that a channel's id can never be passed for a task's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An organization: the owner of every row.
    OrgId
);
id!(
    /// A channel, base or child.
    ChannelId
);
id!(
    /// One upstream of a channel.
    UpstreamId
);
id!(
    /// One record: the metadata of one package as said by one source. Handed out in runs, one run a pack.
    RecordId
);
id!(
    /// A pack: the immutable file holding the metadata fragments of a run of records.
    PackId
);
id!(
    /// An erratum (advisory), identified by organization, advisory name and original.
    ErratumId
);
id!(
    /// One immutable revision of an erratum.
    ErratumRevisionId
);
id!(
    /// A long job on the server.
    TaskId
);
id!(
    /// A person or program with a password.
    UserId
);
id!(
    /// An API or download token.
    TokenId
);
id!(
    /// A source of reports on hypervisors.
    SourceId
);
id!(
    /// A hypervisor (host of guests).
    HypervisorId
);
id!(
    /// One row of the audit log.
    AuditId
);

impl OrgId {
    /// The organization that exists from the first start on.
    pub const DEFAULT: Self = Self(1);
}
