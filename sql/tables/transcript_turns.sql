-- Each delivered transcript, read: what each speaker said in a row, and lines about actions and
-- conferences. What counts as a turn of the conversation is for `analytics.conversation_turns`.
-- Bracketed times are offsets from the start of the call whose minutes wrap at 60. A line without
-- a speaker goes on with what was said before.
with

delivered as (
    select
        event_id,
        call_id,
        received_at,
        found_or_whole(payload, getvariable('transcript_paths')) as transcript,
        found_text(payload, ['$.role', '$.speaker', '$.sender', '$.from']) as payload_role,
        found_text(payload, ['$.timestamp', '$.said_at', '$.time']) as payload_time,
    from events
    where type in ('event_transcript', 'event_transcript_complete') and duplicate_of is null
),

items as (
    select
        event_id,
        call_id,
        received_at,
        -- the list itself, or the list in an object, such as the event_logs of Fluents' ancestor
        case
            when json_type(transcript) = 'ARRAY' then json_extract(transcript, '$[*]')
            else
                coalesce(
                    list_filter(
                        json_extract(
                            transcript, ['$.event_logs', '$.messages', '$.turns', '$.transcript']
                        )::json[],
                        lambda list: json_type(list) = 'ARRAY'
                    )[1]::json[],
                    [transcript]
                )
        end as items,
        json_extract(transcript, '$.start_time') as start_time,
        -- a chunk that says beside its text who spoke, and when
        case when json_type(transcript) = 'VARCHAR' then payload_role end as chunk_role,
        case when json_type(transcript) = 'VARCHAR' then payload_time end as chunk_time,
    from delivered
    where transcript is not null
),

-- An item is a text of one or more lines, or an object that names its speaker.
numbered as (
    select
        event_id,
        call_id,
        received_at,
        unnest(items) as item,
        generate_subscripts(items, 1) as item_index,
        len(items) as item_count,
        start_time,
        chunk_role,
        chunk_time,
    from items
),

-- The ancestor's reports of actions and conferences have no text of their own.
opened as (
    select
        *,
        case
            when json_type(item) <> 'OBJECT' then null
            when json_exists(item, '$.action_input') or json_exists(item, '$.action_output')
            then
                if(
                    coalesce(json_type(item, '$.action_output'), 'NULL') = 'NULL',
                    'BOT_ACTION_START',
                    'BOT_ACTION_FINISH'
                )
            when json_exists(item, '$.conference_event_type') then 'CONFERENCE_EVENT'
            else scalar_text(found(item, ['$.role', '$.speaker', '$.sender', '$.from']))
        end as role,
        case
            when json_type(item) = 'OBJECT'
            then
                coalesce(
                    as_text(found(item, ['$.content', '$.text', '$.message', '$.transcript'])),
                    found_text(item, ['$.action_input.action_config.name', '$.action_type']),
                    concat_ws(
                        ' ',
                        item ->> '$.conference_event_role',
                        item ->> '$.conference_event_type',
                        item ->> '$.participant_phone_number'
                    )
                )
            else as_text(item)
        end as plain_text,
        case
            -- as the ancestor writes them into a text
            when item ->> '$.is_backchannel' = 'true' then '[' || plain_text || ']'
            when item ->> '$.is_final' = 'false' and lower(role) = 'bot' and plain_text not like '%-'
            then plain_text || '-'
            else plain_text
        end as said,
        -- what a named speaker said is one turn, whatever its lines look like
        if(role is not null, [said], string_split_regex(said, '\r?\n')) as lines,
        case
            when json_type(item) = 'OBJECT'
            then
                try_cast(
                    scalar_text(
                        found(item, ['$.offset_seconds', '$.offset', '$.start', '$.start_time'])
                    ) as double
                )
        end as stated_offset,
        coalesce(
            case
                when json_type(item) = 'OBJECT'
                then found_text(item, ['$.timestamp', '$.said_at', '$.time', '$.start_time'])
            end,
            if(item_index = 1, chunk_time, null)
        ) as stated_time,
    from numbered
),

dated as (
    select
        *,
        -- to read a time takes longer than all else, and most have none
        case when stated_time is not null then point_in_time(stated_time) end as said_at,
        case when start_time is not null then point_in_time(start_time ->> '$') end as start_at,
    from opened
),

timed as (
    select
        *,
        coalesce(start_at, min(said_at) over (partition by event_id)) as started_at,
    from dated
),

split_up as (
    select
        *,
        unnest(lines) as line,
        generate_subscripts(lines, 1) as line_index,
    from timed
),

-- materialized: or else the filter below would have each line parsed a second time
parsed as materialized (
    select
        *,
        regexp_extract(
            line,
            '(?is)^\s*(?:\[(\d{1,4}):(\d{1,2}(?:\.\d{1,6})?)\]\s*)?'
            || '(?:(BOT|AGENT|ASSISTANT|AI|HUMAN|USER|CUSTOMER|CALLER|BOT_ACTION_START'
            || '|BOT_ACTION_FINISH|ACTION_WORKER|VECTOR_DB|CONFERENCE_EVENT)\s*:\s*)?(.*?)\s*$',
            ['minutes', 'seconds', 'label', 'text']
        ) as part,
    from split_up
),

labelled as (
    select
        event_id,
        call_id,
        received_at,
        item_index,
        line_index,
        upper(
            coalesce(
                role,
                nullif(part.label, ''),
                if(item_index = 1 and line_index = 1, chunk_role, null),
                ''
            )
        ) as label,
        case when role is null then part.text else trim(line) end as text,
        coalesce(
            if(stated_offset between 0 and 86400, stated_offset, null),
            try_cast(part.minutes as double) * 60 + try_cast(part.seconds as double),
            -- a chunk does not say when the call started
            if(
                (item_count > 1 or start_at is not null) and said_at >= started_at,
                (epoch_us(said_at) - epoch_us(started_at)) / 1e6,
                null
            )
        ) as clock_offset,
        if(line_index = 1, said_at, null) as said_at,
    from parsed
),

spoken as (
    select
        *,
        -- `[mhm]`, or a sound alone: it may be what the human said while the bot went on; and `-`,
        -- of which nobody heard a word
        regexp_full_match(text, '\[[^\[\]]*\]|-') or is_sound(text) as stands_alone,
        case
            when label in ('BOT', 'AGENT', 'ASSISTANT', 'AI') then 'bot'
            when label in ('HUMAN', 'USER', 'CUSTOMER', 'CALLER') then 'human'
            when
                label in (
                    'BOT_ACTION_START', 'BOT_ACTION_FINISH', 'ACTION_WORKER', 'VECTOR_DB', 'TOOL'
                )
            then 'action'
            when label in ('CONFERENCE_EVENT', 'CONFERENCE') then 'conference'
            when label <> '' then 'unknown'
        end as speaker,
    from labelled
    where label <> '' or text <> ''
),

-- A new row starts where a speaker is named who was not speaking already. What actions and
-- conferences report are single lines, so each is a row of its own, and so is a mere sound.
marked as (
    select
        *,
        lag(speaker) over named as previous_speaker,
        lag(stands_alone) over named as after_sound,
        lag(clock_offset) over stated as previous_offset,
    from spoken
    window
        -- among those that name a speaker, or state a time: to look for the last one that does
        -- from each line would take the square of the lines
        named as (partition by event_id, speaker is null order by item_index, line_index),
        stated as (partition by event_id, clock_offset is null order by item_index, line_index)
),

counted as (
    select
        *,
        sum(
            case
                when speaker is null then 0
                when
                    speaker in ('bot', 'human')
                    and speaker = previous_speaker
                    and not (stands_alone or after_sound)
                then 0
                else 1
            end
        ) over (partition by event_id order by item_index, line_index) as turn,
        clock_offset + 3600 * sum(if(clock_offset < previous_offset - 1800, 1, 0)) over (
            partition by event_id order by item_index, line_index
        ) as offset_seconds,
    from marked
),

joined as (
    select
        event_id,
        any_value(call_id) as call_id,
        any_value(received_at) as received_at,
        turn,
        coalesce(any_value(speaker), 'unknown') as speaker,
        trim(
            string_agg(
                -- a line break within what was said; a space between two utterances
                if(label = '', chr(10), ' ')
                -- which kind of report it is, is part of what an action says
                || if(speaker in ('action', 'conference'), label || ': ', '')
                || text,
                ''
                order by item_index, line_index
            ),
            ' ' || chr(10) || chr(9)
        ) as text,
        greatest(count(*) filter (speaker is not null), 1) as utterance_count,
        min(offset_seconds) as offset_seconds,
        min(said_at) as said_at,
    from counted
    group by event_id, turn
)

select
    event_id,
    call_id,
    received_at,
    row_number() over (partition by event_id order by turn) as turn_index,
    speaker,
    text,
    utterance_count,
    offset_seconds,
    said_at,
    case when speaker = 'bot' then text like '%-' end as is_cut_off,
from joined
