-- Each turn of each transcript. Bracketed times are offsets from the start of the call whose
-- minutes wrap at 60. A line without a speaker goes on with what was said before.
with

delivered as (
    select
        event_id,
        call_id,
        received_at,
        found_or_whole(payload, getvariable('transcript_paths')) as transcript,
        found_text(payload, ['$.role', '$.speaker', '$.sender', '$.from']) as payload_role,
    from events
    where type = 'event_transcript' and duplicate_of is null
),

items as (
    select
        event_id,
        call_id,
        received_at,
        case
            when json_type(transcript) = 'ARRAY' then json_extract(transcript, '$[*]')
            else [transcript]
        end as items,
        -- a chunk that says beside its text who spoke
        case when json_type(transcript) = 'VARCHAR' then payload_role end as chunk_role,
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
        chunk_role,
    from items
),

opened as (
    select
        *,
        case
            when json_type(item) = 'OBJECT'
            then scalar_text(found(item, ['$.role', '$.speaker', '$.sender', '$.from']))
        end as role,
        case
            when json_type(item) = 'OBJECT'
            then
                coalesce(
                    as_text(found(item, ['$.content', '$.text', '$.message', '$.transcript'])), ''
                )
            else as_text(item)
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
    from numbered
),

split_up as (
    select
        *,
        unnest(lines) as line,
        generate_subscripts(lines, 1) as line_index,
    from opened
),

parsed as (
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
            try_cast(part.minutes as double) * 60 + try_cast(part.seconds as double)
        ) as clock_offset,
    from parsed
),

spoken as (
    select
        *,
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

-- A new turn starts where a speaker is named who was not speaking already. What actions and
-- conferences report are single lines, so each is a turn of its own.
marked as (
    select
        *,
        last_value(speaker ignore nulls) over before_this as previous_speaker,
        last_value(clock_offset ignore nulls) over before_this as previous_offset,
    from spoken
    window
        before_this as (
            partition by event_id
            order by item_index, line_index
            rows between unbounded preceding and 1 preceding
        )
),

counted as (
    select
        *,
        sum(
            case
                when speaker is null then 0
                when speaker in ('bot', 'human') and speaker = previous_speaker then 0
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
        min(offset_seconds) as offset_seconds,
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
    offset_seconds,
    case when speaker = 'bot' then text like '%-' end as is_cut_off,
from joined
