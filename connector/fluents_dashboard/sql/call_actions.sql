-- The action reports of one call.
select
    local_text(received_at) as received_at,
    action_type,
    action_name,
    phase,
    is_success,
    left(error, 2000) as error,
    left(input::varchar, 2000) as input,
    left(output::varchar, 2000) as output,
from fluents.actions
where call_id = $call_id
order by actions.received_at, event_id
limit $rows
