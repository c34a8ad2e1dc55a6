-- The staging buffer's format, version 2. A change here needs a new USER_VERSION, and a migration
-- in connector/fluents_connector/buffer/sqlite/schema.py.

create table buffer (
    only_row integer primary key check (only_row = 1),
    buffer_id text not null,
    confirmed_position integer not null default 0,
    received integer not null default 0,
    duplicates integer not null default 0,
    quarantined integer not null default 0,
    checked integer not null default 0,
    -- of what the warehouse does not hold yet, refused deliveries and duplicates included
    pending_rows integer not null default 0,
    pending_bytes integer not null default 0,
    refused_bytes integer not null default 0,  -- bodies of refused deliveries that are kept
    redacted integer not null default 0  -- values replaced in bodies, ever
) strict;

-- autoincrement: a position is never given twice, even after everything was discarded.
create table deliveries (
    position integer primary key autoincrement,
    event_id text not null,
    received_at integer not null,
    webhook text not null,
    call_id text,
    type text,
    body blob,
    body_hash blob,
    duplicate_of text,
    reason text,
    detail text,
    settled integer not null default 0,  -- refused, and retried or dropped since
    redacted integer not null default 0,  -- values replaced in the body
    stored_hash blob  -- of the body with values replaced; body_hash is of the body as it came
) strict;

-- Recognises duplicates: only first deliveries that may have any are in it.
create unique index first_deliveries on deliveries (body_hash)
where body_hash is not null and duplicate_of is null and reason is null;

-- Counts what is pending without reading a body.
create index events on deliveries (position)
where duplicate_of is null and reason is null;

-- Finds what is old enough to discard without reading what is not.
create index event_ages on deliveries (received_at)
where reason is null;

create index refused_ages on deliveries (received_at)
where reason is not null;

create index refused on deliveries (event_id)
where reason is not null;

-- Settled refusals go as soon as they are loaded.
create index settled_refusals on deliveries (position)
where settled and reason is not null;
