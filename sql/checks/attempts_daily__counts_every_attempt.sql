-- The days add up to the attempts, and no more were answered than there are.
select 'attempts are missing' as problem
where (select coalesce(sum(attempt_count), 0) from analytics.attempts_daily)
    <> (select count(*) from analytics.call_attempts)
union all by name
select 'a share is above 1' as problem
from analytics.attempts_daily
where not answered_count <= known_count or not known_count <= attempt_count
