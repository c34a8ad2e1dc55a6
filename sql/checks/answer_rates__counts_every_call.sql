-- The hours add up to the calls.
select
    (select sum(call_count) from analytics.answer_rates) as counted_by_hour,
    (select count(*) from fluents.calls) as counted,
where counted_by_hour is distinct from nullif(counted, 0)
