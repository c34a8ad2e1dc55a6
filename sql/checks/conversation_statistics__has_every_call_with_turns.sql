-- Every call of which a turn is known has a row.
select distinct call_id
from fluents.transcript_turns
anti join analytics.conversation_statistics using (call_id)
where speaker in ('bot', 'human') and regexp_matches(text, '\w')
    and not regexp_full_match(text, '\[.*\]')
