-- Who joined and left the conference of a call, out of the lines about it in each delivered
-- transcript. A line is a list of fields (role, kind, number), as `transcript_turns` writes them,
-- or a sentence: "Transfer number (+15550100) joined the conference".
with

lines as (
    select
        event_id,
        call_id,
        received_at,
        row_number() over (partition by event_id order by turn_index) as conference_index,
        regexp_replace(text, '^\w+:\s*', '') as line,  -- without the label
        regexp_extract(
            line,
            '(?is)^(?:(\w+) )?(participant_\w+|voicemail)(?: ([+(\d].*|\S+))?$',
            ['role', 'kind', 'number']
        ) as fields,
        said_at,
        offset_seconds,
    from transcript_turns
    where speaker = 'conference'
)

select
    event_id,
    call_id,
    received_at,
    conference_index,
    lower(
        coalesce(
            nullif(fields.role, ''), nullif(regexp_extract(line, '(?i)^(primary|transfer)\b', 1), '')
        )
    ) as role,
    case
        when fields.kind <> '' then regexp_replace(lower(fields.kind), '^participant_', '')
        when regexp_matches(line, '(?i)\bdid not join\b') then 'did_not_join'
        else lower(nullif(regexp_extract(line, '(?i)\b(joined|left)\b', 1), ''))
    end as kind,
    coalesce(
        nullif(fields.number, ''),
        nullif(
            regexp_extract(line, '(?i)\bnumber \((.+)\) (?:joined|left|did not join)\b', 1), ''
        ),
        nullif(regexp_extract(line, '\+\d{5,15}\b'), '')
    ) as number,
    said_at as occurred_at,
    offset_seconds,
from lines
