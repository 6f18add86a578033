-- Content: organizations, channels, records, errata, versions, publications; tasks, principals, audit.
-- One text for both databases: {ID} is the self-numbering primary key, {BLOB} the byte string type.
-- Times are microseconds since 1970 UTC. Every owned row has an organization.

CREATE TABLE organization (
    id {ID},
    name TEXT NOT NULL UNIQUE,
    created_us BIGINT NOT NULL
);

CREATE TABLE server_setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- The last number given out per label outlives the channel: numbers of a deleted label are never used again.
CREATE TABLE label_number (
    label TEXT PRIMARY KEY,
    last_number BIGINT NOT NULL
);

CREATE TABLE channel (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    label TEXT NOT NULL,
    name TEXT NOT NULL,
    summary TEXT NOT NULL,
    arch TEXT NOT NULL,
    checksum TEXT NOT NULL,
    parent_id BIGINT REFERENCES channel (id),
    cloned_from_id BIGINT REFERENCES channel (id),
    policy TEXT NOT NULL,
    signatures TEXT,
    access TEXT NOT NULL,
    metadata TEXT NOT NULL,
    compression TEXT NOT NULL,
    sign_metadata BIGINT NOT NULL,
    filter TEXT NOT NULL,
    schedule TEXT,
    next_sync_us BIGINT,
    current_number BIGINT,
    created_us BIGINT NOT NULL,
    deleted_us BIGINT,
    -- The label while the channel lives, NULL once deleted: unique among living channels on both databases.
    live_label TEXT UNIQUE
);
CREATE INDEX channel_by_parent ON channel (parent_id);

CREATE TABLE channel_upstream (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    position BIGINT NOT NULL,
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    last_repomd_sha256 TEXT,
    last_settings_digest TEXT,
    last_revision TEXT,
    last_timestamp BIGINT,
    last_etag TEXT,
    last_modified TEXT,
    last_synced_us BIGINT
);
CREATE INDEX channel_upstream_by_channel ON channel_upstream (channel_id, position);

CREATE TABLE channel_key (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    position BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    armored TEXT NOT NULL
);
CREATE INDEX channel_key_by_channel ON channel_key (channel_id, position);

-- A file seen here: the claim (checksum type, checksum) was verified and its bytes are known by SHA-256.
CREATE TABLE package_file (
    org_id BIGINT NOT NULL REFERENCES organization (id),
    checksum_type TEXT NOT NULL,
    checksum TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    seen_us BIGINT NOT NULL,
    PRIMARY KEY (org_id, checksum_type, checksum)
);
CREATE INDEX package_file_by_sha256 ON package_file (sha256);

-- An immutable file of metadata fragments for the records first_record .. first_record + records - 1, all of one
-- source. Its index also holds each record's checksum, file name and fragment hashes, so that mass work reads packs
-- instead of 60,000 rows.
CREATE TABLE pack (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    upstream_id BIGINT,
    first_record BIGINT NOT NULL UNIQUE,
    records BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_us BIGINT NOT NULL
);

-- The metadata of one package as said by one source: an upstream, or (upstream_id NULL) its own verified header.
CREATE TABLE record (
    id BIGINT PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES organization (id),
    upstream_id BIGINT,
    checksum_type TEXT NOT NULL,
    checksum TEXT NOT NULL,
    name TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    arch TEXT NOT NULL,
    size BIGINT NOT NULL,
    file_name TEXT NOT NULL,
    href TEXT,
    build_time BIGINT NOT NULL
);
CREATE INDEX record_by_checksum ON record (checksum, checksum_type);
CREATE INDEX record_by_file_name ON record (file_name);
CREATE INDEX record_by_upstream ON record (upstream_id);

CREATE TABLE erratum (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    advisory TEXT NOT NULL,
    original_id BIGINT REFERENCES erratum (id)
);
CREATE UNIQUE INDEX erratum_identity ON erratum (org_id, advisory, COALESCE(original_id, 0));

CREATE TABLE erratum_revision (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    erratum_id BIGINT NOT NULL REFERENCES erratum (id),
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    issued_us BIGINT,
    updated_us BIGINT,
    cves TEXT NOT NULL,
    packages TEXT NOT NULL,
    fragment {BLOB} NOT NULL,
    created_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX erratum_revision_identity ON erratum_revision (erratum_id, digest);

-- Content sets are roaring bitmaps, stored as XOR against those of version base_number (NULL: stored whole).
CREATE TABLE version (
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    number BIGINT NOT NULL,
    org_id BIGINT NOT NULL REFERENCES organization (id),
    instant_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    upstream_revision TEXT,
    principal TEXT NOT NULL,
    cause TEXT NOT NULL,
    request_id TEXT NOT NULL,
    task_id BIGINT,
    operation_id TEXT NOT NULL,
    plan_digest TEXT,
    content_digest TEXT NOT NULL,
    base_number BIGINT,
    record_set {BLOB} NOT NULL,
    erratum_set {BLOB} NOT NULL,
    attachments TEXT NOT NULL,
    packages BIGINT NOT NULL,
    errata BIGINT NOT NULL,
    added BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (channel_id, number)
);
CREATE UNIQUE INDEX version_by_operation ON version (operation_id, channel_id);
CREATE INDEX version_by_instant ON version (channel_id, instant_us);

-- Moves of the current pointer; the last row of a channel says what is current. The table only grows.
CREATE TABLE current_move (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    number BIGINT NOT NULL,
    instant_us BIGINT NOT NULL,
    principal TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX current_move_by_channel ON current_move (channel_id, instant_us);

-- What a client downloads for a version. repomd.xml is kept for ever; the files are blobs named by SHA-256,
-- and those with derived = true can be dropped and made again byte by byte.
CREATE TABLE publication (
    channel_id BIGINT NOT NULL REFERENCES channel (id),
    number BIGINT NOT NULL,
    org_id BIGINT NOT NULL REFERENCES organization (id),
    mode TEXT NOT NULL,
    encoder TEXT NOT NULL,
    repomd {BLOB} NOT NULL,
    repomd_asc {BLOB},
    files TEXT NOT NULL,
    PRIMARY KEY (channel_id, number)
);

CREATE TABLE task (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    principal TEXT NOT NULL,
    role TEXT NOT NULL,
    cause TEXT NOT NULL,
    request_id TEXT NOT NULL,
    operation_id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT,
    lock_key TEXT NOT NULL,
    progress TEXT NOT NULL,
    notes TEXT NOT NULL,
    result TEXT,
    error TEXT,
    created_us BIGINT NOT NULL,
    started_us BIGINT,
    finished_us BIGINT,
    lease_owner TEXT,
    leased_until_us BIGINT,
    fence BIGINT NOT NULL,
    cancel_requested BIGINT NOT NULL
);
CREATE INDEX task_by_state ON task (state, id);
-- Each organization chooses its keys by itself.
CREATE UNIQUE INDEX task_by_idempotency_key ON task (org_id, idempotency_key);

CREATE TABLE user_account (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    login TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    created_us BIGINT NOT NULL
);

CREATE TABLE token (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    user_id BIGINT REFERENCES user_account (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    channels TEXT,
    created_us BIGINT NOT NULL,
    expires_us BIGINT,
    revoked_us BIGINT,
    last_used_us BIGINT
);

-- Append-only, chained: hash = SHA-256 over the row's fields and the hash of the row before.
CREATE TABLE audit (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    instant_us BIGINT NOT NULL,
    principal TEXT NOT NULL,
    cause TEXT NOT NULL,
    request_id TEXT NOT NULL,
    verb TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
