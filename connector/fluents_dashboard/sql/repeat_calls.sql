-- Calls from numbers that had called before.
select
    sum(call_count)::bigint as call_count,
    sum(repeat_count)::bigint as repeat_count,
    sum(repeat_within_day_count)::bigint as repeat_within_day_count,
    sum(repeat_within_week_count)::bigint as repeat_within_week_count,
from analytics.repeat_calls_daily
where is_shown(
    first_event_on, webhook, agent, null, $from_day, $until_day, $webhook, $agent, null
)
