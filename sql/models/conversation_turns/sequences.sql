-- The sequences of a call, best first: a whole that names speakers, with most text, then with most
-- turns, then the latest; chunks last.
-- needs: steps.turns
select
    call_id,
    sequence_id,
    count(*) as turn_count,
    row_number() over (
        partition by call_id
        order by
            sequence_id <> '' desc,
            bool_or(speaker <> 'unknown') desc,
            sum(strlen(words)) desc,
            turn_count desc,
            sequence_id desc
    ) as rank,
from steps.turns
group by call_id, sequence_id
