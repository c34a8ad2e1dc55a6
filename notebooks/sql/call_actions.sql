-- The action reports of one call.
select
    utc_text(received_at) as received_at,
    coalesce(action_type, 'unknown') as action_type,
    phase,
    left(input::varchar, 500) as input,
    left(output::varchar, 500) as output,
from fluents.actions
where call_id = $call_id
order by actions.received_at, event_id
limit $rows
