-- The attempts to reach a number are counted from 1, and none comes after the one that was answered.
select
    contact_number,
    count(*) as attempt_count,
    max(attempt_number) as last_number,
    max(attempt_number) filter (is_answered) as answered_number,
    count(*) filter (is_answered) as answered_count,
from analytics.call_attempts
group by contact_number
having attempt_count <> last_number or answered_number < last_number or answered_count > 1
