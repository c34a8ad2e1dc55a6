-- One page of the calls that match, newest first.
select
    call_id,
    utc_text(first_event_at) as began_at,
    coalesce(direction, 'unknown') as direction,
    outcome,
    coalesce(contact_number, 'unknown') as contact,
    receipt_duration_seconds,
    human_turn_count,
    has_error,
from shown_calls($from_at, $until_at, $webhook, $direction)
where ($outcome::varchar is null or outcome = $outcome)
    and (not $only_errors or has_error)
    and (
        $search = ''
        or contains(call_id, $search)
        or contains(from_number, $search)
        or contains(to_number, $search)
    )
order by first_event_at desc, call_id
limit $rows offset $skip
