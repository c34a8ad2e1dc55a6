-- Calls from numbers that had called before.
select
    sum(call_count)::bigint as call_count,
    sum(repeat_count)::bigint as repeat_count,
    sum(repeat_within_day_count)::bigint as repeat_within_day_count,
    sum(repeat_within_week_count)::bigint as repeat_within_week_count,
from analytics.repeat_calls_daily
where first_event_on between $from_day and $until_day
    and ($webhook::varchar is null or webhook = $webhook)
    and ($agent::varchar is null or agent = $agent)
