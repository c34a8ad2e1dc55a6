-- The action reports of one call.
select
    utc_text(received_at) as received_at,
    coalesce(action_type, 'unknown') as action_type,
    action_name,
    phase,
    is_success,
    left(error, 500) as error,
    left(input::varchar, 500) as input,
    left(output::varchar, 500) as output,
from fluents.actions
where call_id = $call_id
order by actions.received_at, event_id
limit $rows
