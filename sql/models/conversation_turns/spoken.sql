-- What was said, as it was delivered. A call is plain where one delivery tells it all, its speakers
-- take turns, and nothing in it may be a backchannel: its lines are its turns. Most are.
-- needs: fluents.transcript_turns
with

said as (
    select
        event_id,
        call_id,
        turn_index as line_index,
        speaker,
        text,
        utterance_count,
        offset_seconds,
        said_at,
        coalesce(is_cut_off, false) as is_cut_off,
        regexp_full_match(text, ' *\[[^\[\]]*\] *') as is_bracketed,
        text = '-' as is_unheard,
        -- as a sound of `sequenced`, or nearly: letters of other alphabets pass for spaces here
        regexp_full_match(
            text,
            '(?i)[^a-z0-9]*((m+|m+[^a-z0-9]*h+m*|h+m+|o+h+|a+h+|a+ha+|u+m+|u+h+'
            || '|u+h+[^a-z0-9]*h+u+h+|e+h+|e+r+m?)([^a-z0-9]+|$))+'
        ) as may_be_sound,
    from fluents.transcript_turns
    where speaker in ('bot', 'human', 'unknown') and regexp_matches(text, '\S')
        -- no talk is longer, and the cost has a limit: data_quality counts transcript_too_long
        and turn_index <= 10000
),

in_order as (
    select
        *,
        is_bracketed or is_unheard or may_be_sound as may_stand_alone,
        row_number() over delivered as line,
        coalesce(speaker = lag(speaker) over delivered, false) as goes_on,
        sum(utterance_count) over (
            delivered rows between unbounded preceding and unbounded following
        ) as delivered_count,
        delivered_count = 1 and said_at is not null and offset_seconds is null as is_timed_chunk,
    from said
    window delivered as (partition by event_id order by line_index)
),

calls as (
    select
        call_id,
        min(event_id) = max(event_id) and not bool_or(may_stand_alone or goes_on) as is_plain,
        bool_or(may_stand_alone) as may_have_backchannels,
        bool_or(is_timed_chunk) as has_timed_chunks,
        min(epoch_us(said_at)) as first_said_us,
    from in_order
    group by call_id
)

-- A delivery of several utterances is a whole, and where chunks say when they were said, so is
-- every one that does not. The others are chunks: one sequence of a call.
select
    in_order.* exclude (
        goes_on, may_stand_alone, may_be_sound, utterance_count, delivered_count, is_timed_chunk
    ),
    calls.* exclude (call_id, has_timed_chunks),
    delivered_count > 1 or (not is_timed_chunk and has_timed_chunks) as is_whole,
from in_order
inner join calls using (call_id)
