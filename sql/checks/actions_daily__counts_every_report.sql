-- The days add up to the reports that say what they are.
select
    (select sum(start_count + finish_count) from analytics.actions_daily) as counted_by_day,
    (select count(phase) from fluents.actions) as counted,
where coalesce(counted_by_day, 0) <> counted
