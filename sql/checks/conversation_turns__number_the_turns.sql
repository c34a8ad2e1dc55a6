-- The turns of a call are numbered from 1 without a gap, and two in a row have two speakers.
with

turns as (
    select
        call_id,
        turn_index,
        speaker,
        row_number() over (partition by call_id order by turn_index) as expected,
        lag(speaker) over (partition by call_id order by turn_index) as speaker_before,
    from analytics.conversation_turns
    where turn_index is not null
)

select *
from turns
where turn_index <> expected or speaker = speaker_before
