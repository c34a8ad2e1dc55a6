-- The days add up to the errors.
select
    (select sum(error_count) from analytics.errors_daily) as counted_by_day,
    (select count(*) from fluents.errors) as counted,
where counted_by_day is distinct from nullif(counted, 0)
