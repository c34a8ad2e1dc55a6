-- How each conversation went, as its transcript shows. Several transcripts of a call are chunks
-- of one conversation, unless the longest of them holds the text of all others.
-- grain: one call with a transcript that has text
-- key: call_id
-- materialized: table
-- questions: How many turns and words? Who talks more, and how long at a stretch? How often is
--   the bot interrupted? How long from a human's turn to the bot's?
with

transcripts as (
    select call_id, event_id, strlen(transcript) as text_length
    from fluents.transcripts
    where regexp_matches(transcript, '\S')
),

counted as (
    select
        call_id,
        count(*) as transcript_count,
        max({'text_length': text_length, 'event_id': event_id}).event_id as longest_id,
    from transcripts
    group by call_id
),

chunked as (
    select counted.call_id
    from counted
    inner join fluents.transcripts as longest on longest.event_id = counted.longest_id
    inner join fluents.transcripts as one on one.call_id = counted.call_id
    where counted.transcript_count > 1
    group by counted.call_id
    having not bool_and(contains(longest.transcript, trim(one.transcript)))
),

chosen as (
    select counted.call_id, counted.transcript_count, counted.longest_id as event_id
    from counted
    anti join chunked using (call_id)
    union all by name
    select counted.call_id, counted.transcript_count, transcripts.event_id
    from counted
    inner join chunked using (call_id)
    inner join transcripts using (call_id)
),

-- What stands between spaces or line breaks is a word. Japanese has none, so what is compared
-- between speakers is characters.
turns as (
    select
        event_id,
        turn_index,
        speaker,
        offset_seconds,
        is_cut_off,
        length(text) as characters,
        len(list_filter(string_split(replace(text, chr(10), ' '), ' '), lambda word: word <> ''))
            as words,
    from fluents.transcript_turns
),

spoken as (
    select
        event_id,
        count(*) as turn_count,
        count(*) filter (speaker = 'bot') as bot_turn_count,
        count(*) filter (speaker = 'human') as human_turn_count,
        sum(words) filter (speaker = 'bot') as bot_word_count,
        sum(words) filter (speaker = 'human') as human_word_count,
        sum(characters) filter (speaker = 'bot') as bot_character_count,
        sum(characters) filter (speaker = 'human') as human_character_count,
        max(words) filter (speaker = 'bot') as longest_bot_turn_words,
        max(words) filter (speaker = 'human') as longest_human_turn_words,
        count(*) filter (is_cut_off) as cut_off_count,
        max(offset_seconds) as last_turn_offset_seconds,
    from turns
    group by event_id
),

replied as (
    select
        bot.event_id,
        count(*) as human_to_bot_count,
        sum(bot.offset_seconds - human.offset_seconds) as sum_seconds,
        max(bot.offset_seconds - human.offset_seconds) as max_seconds,
    from fluents.transcript_turns as bot
    inner join fluents.transcript_turns as human
        on human.event_id = bot.event_id and human.turn_index = bot.turn_index - 1
    where bot.speaker = 'bot' and human.speaker = 'human'
        and bot.offset_seconds >= human.offset_seconds
    group by bot.event_id
),

summed as (
    select
        call_id,
        any_value(transcript_count) as transcript_count,
        sum(turn_count)::bigint as turn_count,
        sum(bot_turn_count + human_turn_count) > 0 as is_attributed,
        sum(bot_turn_count)::bigint as bot_turn_count,
        sum(human_turn_count)::bigint as human_turn_count,
        coalesce(sum(bot_word_count), 0)::bigint as bot_word_count,
        coalesce(sum(human_word_count), 0)::bigint as human_word_count,
        coalesce(sum(bot_character_count), 0)::bigint as bot_character_count,
        coalesce(sum(human_character_count), 0)::bigint as human_character_count,
        max(longest_bot_turn_words) as longest_bot_turn_words,
        max(longest_human_turn_words) as longest_human_turn_words,
        sum(cut_off_count)::bigint as cut_off_count,
        max(last_turn_offset_seconds) as last_turn_offset_seconds,
        sum(human_to_bot_count)::bigint as human_to_bot_count,
        sum(sum_seconds) / sum(human_to_bot_count) as mean_human_to_bot_seconds,
        max(max_seconds) as max_human_to_bot_seconds,
    from chosen
    inner join spoken using (event_id)
    left join replied using (event_id)
    group by call_id
)

select
    -- The call, as Fluents names it.
    call_id,
    -- Transcripts with text that were delivered, chunks included.
    transcript_count,
    -- Turns of all speakers, actions included. A turn that two chunks share counts twice.
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
from summed
