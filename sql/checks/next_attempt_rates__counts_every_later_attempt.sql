-- The hours add up to the second and later attempts.
select
    (select sum(attempt_count) from analytics.next_attempt_rates) as counted_by_hour,
    (select count(*) from analytics.call_attempts where attempt_number > 1) as counted,
where counted_by_hour is distinct from nullif(counted, 0)
