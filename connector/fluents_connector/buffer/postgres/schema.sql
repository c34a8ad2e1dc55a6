-- The staging buffer's tables in Postgres, format 1. A change here needs a new FORMAT, and a
-- migration in connector/fluents_connector/buffer/postgres/schema.py.

-- Every transaction that changes anything locks the one row of this table first: so commits, and
-- positions with them, are in one order, and what is counted is exact.
create table buffer (
    only_row boolean primary key check (only_row),
    format integer not null,
    buffer_id text not null,
    last_position bigint not null default 0,
    confirmed_position bigint not null default 0,
    received bigint not null default 0,
    duplicates bigint not null default 0,
    quarantined bigint not null default 0,
    checked bigint not null default 0,
    redacted bigint not null default 0,  -- values replaced in bodies, ever
    -- of what is kept; bytes are those of bodies, and a fixed number for each delivery
    kept_rows bigint not null default 0,
    kept_bytes bigint not null default 0,
    kept_events bigint not null default 0,  -- neither refused nor duplicates
    -- of it, what the warehouse does not hold yet
    pending_rows bigint not null default 0,
    pending_bytes bigint not null default 0,
    pending_events bigint not null default 0,
    refused_bytes bigint not null default 0  -- bodies of refused deliveries that are kept
)
-- room in its page for the versions that each commit makes, which vacuuming then need not clear
with (fillfactor = 10);

-- What a sender may write is bytea, in UTF-8: Postgres keeps no text with a NUL in it.
create table deliveries (
    position bigint primary key,
    event_id text collate "C" not null,
    received_at bigint not null,
    webhook text not null,
    call_id bytea,
    type bytea,
    body bytea,
    body_hash bytea,
    duplicate_of text collate "C",
    reason text,
    detail bytea,
    settled boolean not null default false,  -- refused, and retried or dropped since
    redacted integer not null default 0,  -- values replaced in the body
    stored_hash bytea  -- of the body with values replaced; body_hash is of the body as it came
);

-- Recognises duplicates: only first deliveries that may have any are in it.
create unique index first_deliveries on deliveries (body_hash)
where body_hash is not null and duplicate_of is null and reason is null;

-- Finds the oldest that is pending without reading a body.
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
