-- What was said, turn by turn, and what its transcripts contradict each other in.
select
    speaker,
    text,
    offset_seconds,
    is_cut_off,
    is_doubtful,
from analytics.conversation_turns
where call_id = $call_id and not is_backchannel
order by line_index
limit $rows
