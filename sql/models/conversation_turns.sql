-- The turns of each conversation, however it was delivered: in chunks, as one text, as several,
-- or both. docs/conversations.md says it in words. Here and nowhere else is decided what a turn is.
-- grain: one turn; besides, without a turn_index, backchannels and what is in doubt
-- key: call_id, line_index
-- materialized: table
-- needs: steps.spoken
-- time: first_event_at
-- questions: Who said what, in which order? Which transcripts of a call contradict each other?
with

lines as (
    select
        call_id,
        line_index,
        turn_index,
        speaker,
        text,
        offset_seconds,
        said_at,
        is_cut_off,
        is_backchannel,
        is_doubtful,
        is_whole,
        event_id,
    from steps.numbered
    union all by name
    select
        call_id,
        line as line_index,
        line as turn_index,
        speaker,
        text,
        coalesce(offset_seconds, (epoch_us(said_at) - first_said_us) / 1e6) as offset_seconds,
        said_at,
        case when speaker = 'bot' then is_cut_off end as is_cut_off,
        false as is_backchannel,
        false as is_doubtful,
        is_whole,
        event_id,
    from steps.spoken
    where is_plain
)

select
    -- The call, as Fluents names it.
    lines.call_id,
    -- Place of the row in the call, from 1.
    line_index,
    -- Place of the turn in the conversation, from 1; NULL for what is not counted as a turn.
    turn_index,
    -- One of bot, human or unknown: the last where the transcript does not say.
    speaker,
    -- What was said until another spoke, without speaker and time.
    text,
    -- Its start after the start of the call, or after the first chunk; NULL where nothing tells.
    offset_seconds,
    -- Its start as a point in time, where one is stated.
    said_at,
    -- Whether the bot was interrupted: its text ends in '-'.
    is_cut_off,
    -- Whether it is a sound of the human while the bot spoke, such as [mhm]: no turn.
    is_backchannel,
    -- Whether transcripts of the call contradict each other here, so that it may be said elsewhere
    -- in other words.
    is_doubtful,
    -- Whether it comes from a transcript of several utterances, and not from chunks.
    is_whole,
    -- The delivery that it comes from: of several, the first.
    event_id,
    -- Receipt of the call's first event.
    calls.first_event_at,
from lines
left join fluents.calls using (call_id)
