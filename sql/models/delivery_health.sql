-- What was delivered each hour, and how long it took from receipt to the warehouse.
-- grain: one hour (UTC) and webhook with deliveries
-- key: received_hour, webhook
-- questions: Does everything arrive? How much is repeated or refused? How fresh is the warehouse?
with

-- what was refused and then stored after all is an event of the same id
stored_after_all as (
    select events.event_id
    from fluents.events
    semi join fluents.quarantine on quarantine.delivery_id = events.event_id
),

deliveries as (
    select
        webhook,
        epoch_us(received_at) as received_us,
        duplicate_of is not null as is_duplicate,
        false as is_quarantined,
        _dlt_load_id,
    from fluents.events
    union all by name
    select
        webhook,
        epoch_us(received_at) as received_us,
        false as is_duplicate,
        true as is_quarantined,
        _dlt_load_id,
    from fluents.quarantine
    where delivery_id not in (select event_id from stored_after_all)
),

-- In microseconds since 1970: what knows time zones takes ten times as long.
loaded as (
    select
        deliveries.*,
        received_us // 3_600_000_000 as hour_number,
        (epoch_us(packages.inserted_at) - received_us) / 1e6 as delay_seconds,
    from deliveries
    left join fluents._dlt_loads as packages on packages.load_id = deliveries._dlt_load_id
),

counted as (
    select
        hour_number,
        webhook,
        count(*) as received_count,
        count(*) filter (is_duplicate) as duplicate_count,
        count(*) filter (is_quarantined) as quarantined_count,
        quantile_cont(delay_seconds, [0.5, 0.95, 1]) as delays,
    from loaded
    group by all
)

select
    -- Hour of receipt.
    to_timestamp(hour_number * 3600) as received_hour,
    -- Label of the webhook.
    webhook,
    -- Deliveries of any kind.
    received_count,
    -- Repeated deliveries of the same body.
    duplicate_count,
    -- Deliveries refused, and not stored since.
    quarantined_count,
    -- Events: all others.
    received_count - duplicate_count - quarantined_count as event_count,
    -- duplicate_count of received_count.
    duplicate_count / nullif(received_count, 0) as duplicate_rate,
    -- quarantined_count of received_count.
    quarantined_count / nullif(received_count, 0) as quarantined_rate,
    -- From receipt to the warehouse, of half of the deliveries at most.
    delays[1] as median_delay_seconds,
    -- The same, of 95 of 100 deliveries at most.
    delays[2] as p95_delay_seconds,
    -- The same, of the slowest.
    delays[3] as max_delay_seconds,
from counted
