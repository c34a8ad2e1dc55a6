-- All that is known of one call.
select
    call_id,
    coalesce(direction, 'unknown') as direction,
    outcome,
    is_outcome_inferred,
    status,
    did_not_connect_reason,
    from_number,
    to_number,
    webhook,
    utc_text(first_event_at) as first_event_at,
    utc_text(connected_at) as connected_at,
    utc_text(ended_at) as ended_at,
    duration_seconds,
    duration_source,
    turn_count,
    human_turn_count,
    latest_recording_url,
from analytics.call_summary
where call_id = $call_id
