-- Transfers by day or month ($grain), and what became of them.
with

counted as (
    select
        strftime(date_trunc($grain, first_event_on), '%Y-%m-%d 00') as step,
        sum(succeeded_count)::bigint as succeeded,
        sum(failed_count)::bigint as failed,
        sum(unknown_count)::bigint as unknown,
    from analytics.transfers_daily
    where is_shown(
        first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
    )
    group by all
)

select step, kind, transfer_count
from counted unpivot (transfer_count for kind in (succeeded, failed, unknown))
order by all
