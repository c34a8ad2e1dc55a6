-- The turns of each sequence as they are compared: only of calls that have several sequences.
-- needs: steps.heard
with

compared_calls as (
    select call_id
    from steps.heard
    where not is_backchannel
    group by call_id
    having min(sequence_id) <> max(sequence_id)
)

select
    heard.call_id,
    sequence_id,
    turn,
    any_value(speaker) as speaker,
    string_agg(words, ' ' order by line) as words,
    arg_max(is_cut_off, line) as is_cut_off,
    bool_and(is_sound) as is_sound,
    min(clock_seconds) as clock_seconds,
    max(clock_seconds) as last_seconds,
    -- it may be said until the next one starts
    coalesce(
        lead(min(clock_seconds)) over (partition by heard.call_id, sequence_id order by turn),
        max(clock_seconds)
    ) as until_seconds,
from steps.heard
semi join compared_calls on compared_calls.call_id = heard.call_id
where not is_backchannel
group by heard.call_id, sequence_id, turn
