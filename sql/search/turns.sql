-- The turns of some calls, and what is beside them in doubt, in their order.
select
    call_id,
    line_index as place,
    speaker,
    text,
from analytics.conversation_turns
where call_id in (select unnest($call_ids::varchar[]))
    and first_event_at between $since and $until
order by call_id, place
