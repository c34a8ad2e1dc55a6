-- What becomes of each turn of the calls that have several sequences: counted, counted in doubt, in
-- doubt, or held by another one.
-- needs: steps.turns
with

matched as (
    select
        found.call_id,
        found.sequence_id,
        found.turn,
        found.better_id,
        found.better_turn,
        pairs.better_turn_count,
    from steps.matches as found
    inner join steps.pairs using (call_id, sequence_id, better_id)
    semi join steps.parts on parts.call_id = found.call_id and parts.sequence_id = found.better_id
    qualify
        row_number() over (
            partition by found.call_id, found.sequence_id, found.turn order by pairs.better_rank
        ) = 1
),

-- Where one part ends with the turns that another begins with, these are the same turns.
beside as (
    select
        turns.call_id,
        turns.sequence_id,
        turns.turn,
        turns.words,
        turns.is_sound,
        parts.sequence_id is not null as is_part,
        matched.better_turn is not null as is_matched,
        {
            'id': matched.better_id,
            'turn': matched.better_turn,
            'is_first': matched.better_turn = 1,
            'is_last': matched.better_turn = matched.better_turn_count
        } as place,
        count(matched.better_turn) over (
            partition by turns.call_id, turns.sequence_id, matched.better_id,
                matched.better_turn - turns.turn
        ) = case
            when matched.better_turn >= turns.turn
            then matched.better_turn_count - (matched.better_turn - turns.turn)
            else compared.turn_count - (turns.turn - matched.better_turn)
        end as is_overlap,
    from steps.turns
    inner join steps.texts as compared
        on compared.call_id = turns.call_id
        and compared.sequence_id = turns.sequence_id
        and compared.rank > 1
        and not compared.is_held
    left join matched
        on matched.call_id = turns.call_id
        and matched.sequence_id = turns.sequence_id
        and matched.turn = turns.turn
    left join steps.parts
        on parts.call_id = turns.call_id and parts.sequence_id = turns.sequence_id
),

bounded as (
    select
        *,
        last_value(case when is_matched then place end ignore nulls) over before_this as place_before,
        first_value(case when is_matched then place end ignore nulls) over after_this as place_after,
    from beside
    window
        before_this as (
            partition by call_id, sequence_id order by turn
            rows between unbounded preceding and 1 preceding
        ),
        after_this as (
            partition by call_id, sequence_id order by turn
            rows between 1 following and unbounded following
        )
)

select
    call_id,
    sequence_id,
    turn,
    case
        when is_part and is_matched and coalesce(is_overlap, false) then 'held'
        when is_part and is_matched and strlen(words) >= 12 then 'counted in doubt'
        when is_part then 'counted'
        -- a backchannel that a text ended with while the talk went on
        when is_matched or is_sound then 'held'
        when
            coalesce(place_before.is_last, true)
            and coalesce(place_after.is_first, true)
        then 'counted'
        else 'in doubt'
    end as verdict,
    case when is_part then null else coalesce(place_before.id, place_after.id) end as beside_id,
    case when is_part then null else coalesce(place_before.turn, place_after.turn - 1) end as beside_turn,
from bounded
union all by name
select
    turns.call_id,
    turns.sequence_id,
    turns.turn,
    'counted' as verdict,
    null as beside_id,
    null as beside_turn,
from steps.turns
inner join steps.sequences using (call_id, sequence_id)
where sequences.rank = 1
