-- How long the calls last, and how that is known.
select
    count(*) as call_count,
    count(duration_seconds) as timed_call_count,
    count(*) filter (duration_source = 'stated') as stated_duration_call_count,
    median(duration_seconds) as median_duration_seconds,
    quantile_cont(duration_seconds, 0.95) as p95_duration_seconds,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
