-- The median is no more than the 95th percentile, and that no more than the longest.
select *
from analytics.call_durations
where
    p50_duration_seconds > p95_duration_seconds
    or p95_duration_seconds > max_duration_seconds
    or timed_call_count > call_count
