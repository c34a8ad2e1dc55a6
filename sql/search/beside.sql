-- The turns of one call from line $first to line $last.
select
    line_index as place,
    speaker,
    text,
from analytics.conversation_turns
where call_id = $call_id
    and first_event_at = $first_event_at
    and line_index between $first and $last
order by line_index
