-- Of calls that are not plain, the sequences: each delivery that is a whole, and all chunks
-- together, with each chunk once.
-- needs: steps.spoken where not is_plain
with

-- Letters and digits alone, so that case, punctuation, spaces and a cut-off do not differ.
worded as (
    select
        * exclude (is_plain, first_said_us),
        coalesce(
            nullif(
                trim(
                    regexp_replace(lower(nfc_normalize(text)), '[^\p{L}\p{M}\p{N}]+', ' ', 'g')
                ),
                ''
            ),
            text
        ) as words,
        regexp_full_match(
            words, '((m+|m+ ?h+m*|h+m+|o+h+|a+h+|a+ha+|u+m+|u+h+|u+h+ ?h+u+h+|e+h+|e+r+m?)( |$))+'
        ) as is_sound,
    from steps.spoken
    where not is_plain
),

of_kind as (
    select
        call_id,
        is_whole,
        bool_and(said_at is not null) as all_say_when,
        bool_and(offset_seconds is not null) as all_have_offsets,
        bool_or(said_at is not null) as some_of_kind_say_when,
    from worded
    group by call_id, is_whole
),

kinds as (
    select
        * exclude (some_of_kind_say_when),
        bool_or(some_of_kind_say_when) over (partition by call_id) as some_say_when,
    from of_kind
),

sequences as (
    select
        *,
        case when is_whole then event_id else '' end as sequence_id,
        coalesce(epoch(said_at), offset_seconds) as stated_seconds,
    from worded
    inner join kinds using (call_id, is_whole)
),

-- Chunks that say the same and do not state different times are one.
distinct_chunks as (
    select *
    from sequences
    where not is_whole
    qualify
        row_number() over (
            partition by call_id, speaker, words, stated_seconds order by event_id
        ) = 1
        and (
            stated_seconds is not null
            or not bool_or(stated_seconds is not null) over (partition by call_id, speaker, words)
        )
),

lines as (
    select *
    from sequences
    where is_whole
    union all by name
    select
        * replace (
            row_number() over (
                partition by call_id
                order by
                    case when all_say_when or all_have_offsets then stated_seconds end,
                    event_id,
                    line_index
            ) as line
        ),
    from distinct_chunks
)

select
    *,
    -- Where all deliveries of a kind say when, what stands before and after a sound is known
    -- across them.
    case
        when is_whole and all_say_when then epoch(said_at)
        -- a chunk's point in time may be of another clock
        when all_have_offsets and not all_say_when and (is_whole or not some_say_when)
        then offset_seconds
    end as clock_seconds,
    case when clock_seconds is null then sequence_id else 'all' end as talk_id,
from lines
