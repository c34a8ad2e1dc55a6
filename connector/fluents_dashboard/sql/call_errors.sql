-- The errors of one call.
select
    local_text(received_at) as received_at,
    code,
    message,
from fluents.errors
where call_id = $call_id
order by errors.received_at, event_id, error_index
limit $rows
