-- The days add up to the calls from a known number, and each number called for the first time once.
select
    (select sum(call_count) from analytics.repeat_calls_daily) as counted_by_day,
    (select sum(inbound_count) from analytics.contact_history) as counted,
    (select sum(call_count - repeat_count) from analytics.repeat_calls_daily) as first_by_day,
    (select count(*) from analytics.contact_history where inbound_count > 0) as first_count,
where coalesce(counted_by_day, 0) <> coalesce(counted, 0)
    or coalesce(first_by_day, 0) <> first_count
