-- One page of the calls that match, newest first.
select
    call_id,
    utc_text(first_event_at) as began_at,
    coalesce(direction, 'unknown') as direction,
    outcome,
    coalesce(contact_number, 'unknown') as contact,
    duration_seconds,
    human_turn_count,
    has_error,
from found_calls(
    $from_at, $until_at, $webhook, $direction, $outcome, $only_errors, $search
)
order by first_event_at desc, call_id
limit $rows offset $skip
