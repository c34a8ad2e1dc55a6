-- Each week beside the one before, of the same agent.
with

weeks as (
    select * from {{ ref('calls_by_week') }}
)

select
    week_from,
    agent,
    call_count,
    connection_rate,
    lag(call_count) over previous as previous_call_count,
    lag(connection_rate) over previous as previous_connection_rate,
from weeks
window previous as (
    partition by agent order by week_from
    range between interval 7 days preceding and interval 7 days preceding
)
