-- Transfers of the days shown, by whom they were to.
select
    target,
    sum(transfer_count)::bigint as transfer_count,
    sum(succeeded_count)::bigint as succeeded_count,
    sum(failed_count)::bigint as failed_count,
    sum(unknown_count)::bigint as unknown_count,
    sum(known_count)::bigint as known_count,
    sum(told_count)::bigint as told_count,
    sum(timed_count)::bigint as timed_count,
    sum(total_seconds_to_end) as total_seconds_to_end,
from analytics.transfers_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by target
order by transfer_count desc, target
limit $rows
