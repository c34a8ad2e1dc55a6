-- The newest transfers of the days shown.
select
    call_id,
    local_text(first_event_at) as began_at,
    coalesce(agent, 'unknown') as agent,
    coalesce(target, 'unknown') as target,
    is_successful,
    success_source,
    error,
    seconds_to_end,
from analytics.transfers
where is_shown(
    first_event_on, webhook, coalesce(agent, 'unknown'), coalesce(direction, 'unknown'),
    $from_day, $until_day, $webhook, $agent, $direction
)
order by first_event_at desc, call_id, transfer_index
limit $rows
