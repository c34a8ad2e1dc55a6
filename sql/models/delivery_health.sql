-- What was delivered each hour, and how long it took from receipt to the warehouse.
-- grain: one hour (UTC) and webhook with deliveries
-- key: received_hour, webhook
-- questions: Does everything arrive? How much is repeated or refused? How fresh is the warehouse?
with

deliveries as (
    select
        webhook,
        received_at,
        buffer_id,
        position,
        duplicate_of is not null as is_duplicate,
        false as is_quarantined,
        _dlt_load_id,
    from fluents.events
    union all by name
    select
        webhook,
        received_at,
        buffer_id,
        position,
        false as is_duplicate,
        true as is_quarantined,
        _dlt_load_id,
    from fluents.quarantine
    -- what was refused and then stored after all is an event of the same id
    anti join fluents.events on events.event_id = quarantine.delivery_id
),

loaded as (
    select
        deliveries.*,
        date_diff('millisecond', deliveries.received_at, packages.inserted_at) / 1000.0
            as delay_seconds,
    from deliveries
    left join fluents._dlt_loads as packages on packages.load_id = deliveries._dlt_load_id
)

select
    date_trunc('hour', received_at at time zone 'UTC') at time zone 'UTC' as received_hour,
    webhook,
    count(*) as received_count,
    count(*) filter (is_duplicate) as duplicate_count,
    count(*) filter (is_quarantined) as quarantined_count,
    count(*) filter (not is_duplicate and not is_quarantined) as event_count,
    median(delay_seconds) as median_delay_seconds,
    quantile_cont(delay_seconds, 0.95) as p95_delay_seconds,
    max(delay_seconds) as max_delay_seconds,
from loaded
group by all
