-- Which sequences are compared turn by turn: each that the best one does not hold, with those
-- better than it.
-- needs: steps.texts
select
    compared.call_id,
    compared.sequence_id,
    better.sequence_id as better_id,
    better.rank as better_rank,
    compared.turn_count,
    better.turn_count as better_turn_count,
from steps.texts as compared
inner join steps.texts as better
    on better.call_id = compared.call_id
    and better.rank < compared.rank
    and better.rank <= 4  -- so that the cost has a limit
    and better.sequence_id <> ''
    -- what was said before or after all of it is another part of the conversation
    and coalesce(
        compared.first_seconds <= better.last_seconds
        and compared.last_seconds >= better.first_seconds,
        true
    )
where not compared.is_held and not better.is_held
