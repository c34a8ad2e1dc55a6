-- The days add up to the calls.
select
    (select sum(call_count) from analytics.call_durations) as counted_by_day,
    (select count(*) from fluents.calls) as counted,
where counted_by_day is distinct from nullif(counted, 0)
