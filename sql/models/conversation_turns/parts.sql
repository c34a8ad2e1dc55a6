-- The sequences that are parts of the conversation: the best one, and what has less than half of
-- its text in a better one.
-- needs: steps.turns
with

found_turns as (
    select distinct call_id, sequence_id, turn
    from steps.matches
)

select call_id, sequence_id
from steps.sequences
where rank = 1
union all by name
select turns.call_id, turns.sequence_id
from steps.turns
inner join steps.texts as compared
    on compared.call_id = turns.call_id and compared.sequence_id = turns.sequence_id
left join found_turns
    on found_turns.call_id = turns.call_id
    and found_turns.sequence_id = turns.sequence_id
    and found_turns.turn = turns.turn
where compared.rank > 1 and not compared.is_held
group by turns.call_id, turns.sequence_id
having
    2 * coalesce(sum(strlen(turns.words)) filter (found_turns.turn is not null), 0)
    < sum(strlen(turns.words))
