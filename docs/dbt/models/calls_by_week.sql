-- Calls by week and agent: counts of days add up, so the rates are of the week's counts.
with

days as (
    select * from {{ source('analytics', 'calls_daily') }}
),

counted as (
    select
        date_trunc('week', first_event_on)::date as week_from,
        agent,
        sum(call_count)::bigint as call_count,
        sum(connected_count)::bigint as connected_count,
        sum(did_not_connect_count)::bigint as did_not_connect_count,
    from days
    group by all
)

select
    *,
    connected_count / nullif(connected_count + did_not_connect_count, 0) as connection_rate,
from counted
