-- The minutes are those that are stated and those of the receipts, and every call is counted.
select 'the sums differ' as problem, talk_minutes, stated_minutes, receipt_minutes
from analytics.minutes_daily
where abs(coalesce(stated_minutes, 0) + coalesce(receipt_minutes, 0) - coalesce(talk_minutes, 0)) > 1e-6
union all by name
select 'calls are missing' as problem
where (select coalesce(sum(timed_call_count), 0) from analytics.minutes_daily)
    <> (select count(duration_seconds) from analytics.call_summary)
