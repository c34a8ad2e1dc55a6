-- How each conversation went, by the turns of `conversation_turns`.
-- grain: one call with a transcript that has text
-- key: call_id
-- materialized: table
-- needs: analytics.conversation_turns
-- time: first_event_at
-- questions: How many turns and words? Who talks more, and how long at a stretch? How often is
--   the bot interrupted? How long from a human's turn to the bot's?
with

transcripts as (
    select call_id, count(*) filter (regexp_matches(transcript, '\S')) as transcript_count
    from fluents.transcripts
    group by call_id
),

doubts as (
    select call_id, count(*) filter (is_doubtful) as doubtful_line_count
    from analytics.conversation_turns
    group by call_id
),

-- What stands between spaces or line breaks is a word. Japanese has none, so what is compared
-- between speakers is characters.
measured as (
    select
        call_id,
        turn_index,
        speaker,
        offset_seconds,
        is_cut_off,
        length(text) as characters,
        len(list_filter(string_split(replace(text, chr(10), ' '), ' '), lambda word: word <> ''))
            as words,
    from analytics.conversation_turns
    where turn_index is not null
),

turns as (
    select
        *,
        lag(speaker) over (partition by call_id order by turn_index) as speaker_before,
        offset_seconds - lag(offset_seconds) over (partition by call_id order by turn_index)
            as seconds_since,
    from measured
),

counted as (
    select
        *,
        case
            when speaker = 'bot' and speaker_before = 'human' and seconds_since >= 0
            then seconds_since
        end as human_to_bot_seconds,
    from turns
),

summed as (
    select
        call_id,
        count(*) as turn_count,
        count(*) filter (speaker in ('bot', 'human')) > 0 as is_attributed,
        count(*) filter (speaker = 'bot') as bot_turn_count,
        count(*) filter (speaker = 'human') as human_turn_count,
        coalesce(sum(words) filter (speaker = 'bot'), 0)::bigint as bot_word_count,
        coalesce(sum(words) filter (speaker = 'human'), 0)::bigint as human_word_count,
        coalesce(sum(characters) filter (speaker = 'bot'), 0)::bigint as bot_character_count,
        coalesce(sum(characters) filter (speaker = 'human'), 0)::bigint as human_character_count,
        max(words) filter (speaker = 'bot') as longest_bot_turn_words,
        max(words) filter (speaker = 'human') as longest_human_turn_words,
        count(*) filter (is_cut_off) as cut_off_count,
        max(offset_seconds) as last_turn_offset_seconds,
        case when count(offset_seconds) > 0 then count(human_to_bot_seconds) end as replies,
        avg(human_to_bot_seconds) as mean_human_to_bot_seconds,
        max(human_to_bot_seconds) as max_human_to_bot_seconds,
        -- by whole milliseconds, as what `round` makes of 6.35 differs between versions of DuckDB
        list((round(human_to_bot_seconds * 1000)::bigint + 50) // 100 / 10 order by turn_index)
            filter (human_to_bot_seconds is not null) as human_to_bot_seconds,
        max(seconds_since) filter (seconds_since >= 0) as longest_gap_seconds,
    from counted
    group by call_id
),

completed as (
    select
        summed.*,
        transcripts.transcript_count,
        doubts.doubtful_line_count,
        nullif(summed.replies, 0) as human_to_bot_count,
    from summed
    inner join transcripts using (call_id)
    inner join doubts using (call_id)
)

select
    -- The call, as Fluents names it.
    completed.call_id,
    -- Transcripts with text that were delivered, chunks included.
    transcript_count,
    -- Lines in which its transcripts contradict each other.
    doubtful_line_count,
    -- Turns of bot and human, and of speakers that the transcript does not name.
    turn_count,
    -- Turns of the bot; NULL where the transcript names neither bot nor human, as all below.
    case when is_attributed then bot_turn_count end as bot_turn_count,
    -- Turns of the human.
    case when is_attributed then human_turn_count end as human_turn_count,
    -- Words of the bot.
    case when is_attributed then bot_word_count end as bot_word_count,
    -- Words of the human.
    case when is_attributed then human_word_count end as human_word_count,
    -- Characters of the bot.
    case when is_attributed then bot_character_count end as bot_character_count,
    -- Characters of the human.
    case when is_attributed then human_character_count end as human_character_count,
    -- The bot's share: bot_character_count of bot_character_count + human_character_count.
    bot_character_count / nullif(bot_character_count + human_character_count, 0) as bot_talk_rate,
    -- Words of the bot's longest turn: its longest monologue.
    longest_bot_turn_words,
    -- Words of the human's longest turn.
    longest_human_turn_words,
    -- Turns of the bot that were cut off: interruptions.
    case when is_attributed then cut_off_count end as cut_off_count,
    -- cut_off_count of bot_turn_count.
    cut_off_count / nullif(bot_turn_count, 0) as cut_off_rate,
    -- Start of the last turn after the start of the call; NULL without offsets, as all below.
    last_turn_offset_seconds,
    -- Times that the bot spoke right after the human, where both turns say when they start.
    human_to_bot_count,
    -- From the start of the human's turn to the start of the bot's: the human's talk included.
    mean_human_to_bot_seconds,
    -- The longest of them.
    max_human_to_bot_seconds,
    -- Each of them, in the order of the turns, to a tenth of a second.
    human_to_bot_seconds,
    -- The longest time from the start of a turn to that of the next: no silence between the first
    -- and the last turn was longer. How long one was is not known, as nothing says when a turn ends.
    longest_gap_seconds,
    -- Receipt of the call's first event.
    calls.first_event_at,
from completed
left join fluents.calls using (call_id)
