-- Each sequence as one text, and whether the best of its call holds it word for word, of the same
-- speakers and at the same times: then it needs no closer look.
-- needs: steps.turns
with

joined as (
    select
        turns.call_id,
        turns.sequence_id,
        any_value(sequences.turn_count) as turn_count,
        any_value(sequences.rank) as rank,
        ' ' || string_agg(words, ' ' order by turn) || ' ' as words,
        coalesce(' ' || string_agg(words, ' ' order by turn) filter (speaker = 'bot') || ' ', '')
            as bot_words,
        coalesce(' ' || string_agg(words, ' ' order by turn) filter (speaker = 'human') || ' ', '')
            as human_words,
        case
            when bool_and(clock_seconds is not null)
            then string_agg(clock_seconds || ' ' || words, ' ' order by turn)
        end as timed_words,
        case when bool_and(clock_seconds is not null) then min(clock_seconds) end as first_seconds,
        case when bool_and(clock_seconds is not null) then max(last_seconds) end as last_seconds,
    from steps.turns
    inner join steps.sequences using (call_id, sequence_id)
    group by turns.call_id, turns.sequence_id
)

select
    joined.call_id,
    joined.sequence_id,
    joined.turn_count,
    joined.rank,
    joined.first_seconds,
    joined.last_seconds,
    joined.rank > 1
    and (
        contains(best.words, joined.words)
        and (
            best.bot_words || best.human_words = ''  -- it names no speakers
            or (
                contains(best.bot_words, joined.bot_words)
                and contains(best.human_words, joined.human_words)
            )
        )
        -- where both say when, at the same times
        and coalesce(contains(best.timed_words, joined.timed_words), true)
        -- no conversation is that long, and the cost has a limit
        or joined.turn_count > 5000
    ) as is_held,
from joined
inner join joined as best using (call_id)
where best.rank = 1
