-- Calls begun in each hour, day or month ($grain), by what became of them.
select
    strftime(
        date_trunc($grain, first_event_on + to_hours(first_event_hour)), '%Y-%m-%d %H'
    ) as step,
    outcome,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
