-- The days add up to the reports that say what they are.
select
    (select sum(started_count + succeeded_count + failed_count + unknown_count) from analytics.actions_daily) as counted_by_day,
    (select count(phase) from fluents.actions) as counted,
where coalesce(counted_by_day, 0) <> counted
