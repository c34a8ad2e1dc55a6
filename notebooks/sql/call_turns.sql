-- What was said, turn by turn; a call may have several transcripts, or chunks of one.
select
    dense_rank() over (order by received_at, event_id) as transcript_number,
    turn_index,
    speaker,
    text,
    offset_seconds,
    is_cut_off,
from fluents.transcript_turns
where call_id = $call_id
order by received_at, event_id, turn_index
limit $rows
