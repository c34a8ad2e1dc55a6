-- Deliveries were refused, and not stored since: they are in no table but fluents.quarantine. There
-- is no statistic in it, as each is one that the figures lack; a least number keeps a lone odd
-- request from being reported.
-- severity: warning
-- says: {refused_count} deliveries to the webhook {webhook} were refused in the last {hours} hours,
--   the last at {last_received_at}, most of them as {most_frequent_reason}.
--   See `fluents-warehouse quarantine list`.
-- link: docs/alerts.md#quarantine
-- limits: quarantine = 5 (1 to 1000000): refused deliveries from which on it is reported;
--   quarantine_hours = 24 (1 to 720): hours that are looked at
-- grain: one webhook with refused deliveries
-- key: webhook
-- questions: Is anything refused? Why?
with

refused as (
    select webhook, reason, received_at
    from fluents.quarantine
    where
        received_at > getvariable('now') - to_seconds(getvariable('quarantine_hours') * 3600)
        and received_at <= getvariable('now')
        -- what was refused and then stored after all is an event of the same id
        and delivery_id not in (
            select event_id
            from fluents.events
            semi join fluents.quarantine on quarantine.delivery_id = events.event_id
        )
),

by_reason as (
    select webhook, reason, count(*) as refused_count, max(received_at) as last_received_at
    from refused
    group by all
)

select
    -- Label of the webhook that they were sent to.
    webhook,
    -- Deliveries refused in these hours.
    sum(refused_count)::bigint as refused_count,
    -- The word for why most of them were.
    arg_max(reason, {'count': refused_count, 'word': reason}) as most_frequent_reason,
    -- Receipt of the last of them.
    max(last_received_at) as last_received_at,
    -- The hours that were looked at: the setting quarantine_hours.
    getvariable('quarantine_hours') as hours,
from by_reason
group by webhook
having sum(refused_count) >= getvariable('quarantine')
order by webhook
