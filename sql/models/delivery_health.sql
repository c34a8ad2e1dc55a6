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
    -- Hour of receipt.
    date_trunc('hour', received_at at time zone 'UTC') at time zone 'UTC' as received_hour,
    -- Label of the webhook.
    webhook,
    -- Deliveries of any kind.
    count(*) as received_count,
    -- Repeated deliveries of the same body.
    count(*) filter (is_duplicate) as duplicate_count,
    -- Deliveries refused, and not stored since.
    count(*) filter (is_quarantined) as quarantined_count,
    -- Events: all others.
    count(*) filter (not is_duplicate and not is_quarantined) as event_count,
    -- duplicate_count of received_count.
    duplicate_count / nullif(received_count, 0) as duplicate_rate,
    -- quarantined_count of received_count.
    quarantined_count / nullif(received_count, 0) as quarantined_rate,
    -- From receipt to the warehouse, of half of the deliveries at most.
    median(delay_seconds) as median_delay_seconds,
    -- The same, of 95 of 100 deliveries at most.
    quantile_cont(delay_seconds, 0.95) as p95_delay_seconds,
    -- The same, of the slowest.
    max(delay_seconds) as max_delay_seconds,
from loaded
group by all
