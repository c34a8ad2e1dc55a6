-- Nobody is reached at an attempt that was not made, and whoever answered was reached.
select *
from analytics.contact_history
where
    attempts_to_first_answer not between 1 and outbound_count
    or (attempts_to_first_answer is null) <> (answered_count = 0)
