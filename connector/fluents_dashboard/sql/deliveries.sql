-- Deliveries by the hour of their receipt, and what became of them.
with

hours as (
    select *
    from analytics.delivery_health
    where received_hour >= $from_day::date::timestamptz
        and received_hour < ($until_day::date + 1)::timestamptz
        and ($webhook::varchar is null or webhook = $webhook)
),

counted as (
    select
        strftime(date_trunc($grain, received_hour), '%Y-%m-%d %H') as step,
        sum(event_count)::bigint as event,
        sum(duplicate_count)::bigint as duplicate,
        sum(quarantined_count)::bigint as quarantined,
    from hours
    group by all
)

select
    step,
    kind,
    delivery_count,
from counted unpivot (delivery_count for kind in (event, duplicate, quarantined))
order by all
