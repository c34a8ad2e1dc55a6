-- The lines of `heard` that no other sequence holds, joined to the turns of the conversation and
-- numbered.
-- needs: steps.heard
with

part_starts as (
    select
        call_id,
        sequence_id,
        min(said_at) as said_at,
        min(offset_seconds) as offset_seconds,
        min(event_id) as event_id,
    from steps.heard
    semi join steps.parts on parts.call_id = heard.call_id and parts.sequence_id = heard.sequence_id
    group by call_id, sequence_id
),

timed_parts as (
    select
        *,
        bool_and(said_at is not null) over (partition by call_id) as all_say_when,
        bool_and(offset_seconds is not null) over (partition by call_id) as all_have_offsets,
    from part_starts
),

-- Parts follow each other by their stated times, where all state one, else by receipt.
ordered_parts as (
    select
        call_id,
        sequence_id,
        row_number() over (
            partition by call_id
            order by
                case when all_say_when then said_at end,
                case when all_have_offsets then offset_seconds end,
                event_id
        ) as part,
    from timed_parts
),

-- Calls with one sequence need no verdicts.
lone_sequences as (
    select
        call_id,
        min(sequence_id) as sequence_id,
    from steps.heard
    where not is_backchannel
    group by call_id
    having min(sequence_id) = max(sequence_id)
),

judged as (
    select
        heard.*,
        'counted' as verdict,
        null::varchar as beside_id,
        null::bigint as beside_turn,
    from steps.heard
    inner join lone_sequences using (call_id, sequence_id)
    union all by name
    select
        heard.*,
        verdicts.* exclude (call_id, sequence_id, turn),
    from steps.heard
    inner join steps.verdicts using (call_id, sequence_id, turn)
    where verdicts.verdict <> 'held'
),

kept as (
    select
        judged.* exclude (offset_seconds),
        verdict like '%doubt' as is_doubtful,
        not is_backchannel and verdict like 'counted%' as is_counted,
        coalesce(
            offset_seconds,
            (epoch_us(said_at) - min(epoch_us(said_at)) over (partition by judged.call_id)) / 1e6
        ) as offset_seconds,
        row_number() over (
            partition by judged.call_id
            order by
                ordered_parts.part,
                coalesce(beside_turn, turn),
                beside_turn is not null,
                judged.sequence_id,
                line
        ) as place,
    from judged
    left join ordered_parts
        on ordered_parts.call_id = judged.call_id
        and ordered_parts.sequence_id = coalesce(judged.beside_id, judged.sequence_id)
),

started as (
    select
        *,
        is_counted
        and speaker is distinct from lag(speaker) over (
            partition by call_id, is_counted order by place
        ) as is_start,
    from kept
),

counted as (
    select
        *,
        case
            when is_counted then sum(is_start::bigint) over (partition by call_id order by place)
        end::bigint as turn_index,
    from started
),

joined as (
    select
        call_id,
        turn_index,
        min(place) as place,
        arg_min(event_id, place) as event_id,
        any_value(speaker) as speaker,
        string_agg(text, ' ' order by place) as text,
        arg_min(offset_seconds, place) as offset_seconds,
        arg_min(said_at, place) as said_at,
        case when any_value(speaker) = 'bot' then arg_max(is_cut_off, place) end as is_cut_off,
        bool_or(is_backchannel) as is_backchannel,
        bool_or(is_doubtful) as is_doubtful,
        bool_and(is_whole) as is_whole,
    from counted
    group by call_id, turn_index, case when turn_index is null then place end
)

select
    *,
    row_number() over (partition by call_id order by place) as line_index,
from joined
