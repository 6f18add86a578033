-- Hypervisors and their guests, as sources report them; tokens that may do one thing only.

ALTER TABLE token ADD COLUMN scope TEXT;

-- A source: one section of an agent's configuration. What it said last, and when it was heard.
CREATE TABLE hypervisor_source (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    reporter TEXT NOT NULL,
    kind TEXT NOT NULL,
    id_kind TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    interval_s BIGINT NOT NULL,
    hosts BIGINT NOT NULL,
    guests BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    heard_us BIGINT NOT NULL,
    reported_us BIGINT,
    silent TEXT,
    retired_us BIGINT
);
CREATE UNIQUE INDEX hypervisor_source_name ON hypervisor_source (org_id, name);

-- Parts of a full report that is not whole yet.
CREATE TABLE hypervisor_part (
    source_id BIGINT NOT NULL REFERENCES hypervisor_source (id),
    incarnation TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    part BIGINT NOT NULL,
    hosts {BLOB} NOT NULL,
    PRIMARY KEY (source_id, part)
);

-- A host stays when it is gone, for its history.
CREATE TABLE hypervisor (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    source_id BIGINT NOT NULL REFERENCES hypervisor_source (id),
    host_id TEXT NOT NULL,
    name TEXT,
    uuid TEXT,
    uuid_key TEXT,
    cluster TEXT,
    sockets BIGINT,
    facts TEXT NOT NULL,
    digest TEXT NOT NULL,
    guests BIGINT NOT NULL,
    first_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL,
    gone_us BIGINT
);
CREATE UNIQUE INDEX hypervisor_host ON hypervisor (source_id, host_id);
CREATE INDEX hypervisor_uuid ON hypervisor (org_id, uuid_key);
CREATE INDEX hypervisor_name ON hypervisor (org_id, name);

CREATE TABLE guest (
    hypervisor_id BIGINT NOT NULL REFERENCES hypervisor (id),
    org_id BIGINT NOT NULL REFERENCES organization (id),
    uuid TEXT NOT NULL,
    uuid_key TEXT NOT NULL,
    state BIGINT NOT NULL,
    since_us BIGINT NOT NULL,
    PRIMARY KEY (hypervisor_id, uuid)
);
CREATE INDEX guest_uuid ON guest (org_id, uuid_key);

-- What happened: hosts and guests that came, went and moved.
CREATE TABLE hypervisor_event (
    id {ID},
    org_id BIGINT NOT NULL REFERENCES organization (id),
    source_id BIGINT NOT NULL REFERENCES hypervisor_source (id),
    hypervisor_id BIGINT REFERENCES hypervisor (id),
    other_id BIGINT REFERENCES hypervisor (id),
    at_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    guest TEXT,
    guest_key TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX hypervisor_event_host ON hypervisor_event (hypervisor_id, id);
CREATE INDEX hypervisor_event_other ON hypervisor_event (other_id, id);
CREATE INDEX hypervisor_event_guest ON hypervisor_event (org_id, guest_key, id);
