-- Deliveries by the hour of their receipt, and what became of them.
with

hours as (
    select *
    from analytics.delivery_health
    where received_hour >= $from_at::timestamptz
        and received_hour < $until_at::timestamptz
        and ($webhook::varchar is null or webhook = $webhook)
),

counted as (
    select
        date_trunc($grain, received_hour at time zone 'UTC') as began_at,
        sum(event_count)::bigint as event,
        sum(duplicate_count)::bigint as duplicate,
        sum(quarantined_count)::bigint as quarantined,
    from hours
    group by all
)

select
    strftime(began_at, '%Y-%m-%dT%H:%M:%SZ') as began_at,
    kind,
    delivery_count,
from counted unpivot (delivery_count for kind in (event, duplicate, quarantined))
order by all
