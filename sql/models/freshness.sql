-- How fresh the warehouse is: the newest delivery of each type and when it was loaded. Nothing
-- here depends on the present time; compare last_received_at with now() where you need the age.
-- grain: one webhook and event type
-- key: webhook, type
-- questions: Up to when is the warehouse complete? Does a type no longer arrive?
with

packages as (
    select load_id, inserted_at
    from fluents._dlt_loads
),

newest as (
    select
        webhook,
        type,
        count(*) as delivery_count,
        max(received_at) as last_received_at,
        arg_max(_dlt_load_id, received_at) as load_id,
    from fluents.events
    group by all
)

select
    -- Label of the webhook.
    newest.webhook,
    -- Event type, such as event_transcript.
    newest.type,
    -- Deliveries, repeated ones included.
    newest.delivery_count,
    -- Receipt of the newest.
    newest.last_received_at,
    -- When that one was loaded.
    packages.inserted_at as last_loaded_at,
    -- From its receipt to the warehouse.
    date_diff('millisecond', newest.last_received_at, packages.inserted_at) / 1000.0
        as last_delay_seconds,
    -- How much older it is than the newest delivery of any webhook and type.
    date_diff('millisecond', newest.last_received_at, max(newest.last_received_at) over ()) / 1000.0
        as behind_newest_seconds,
from newest
left join packages using (load_id)
