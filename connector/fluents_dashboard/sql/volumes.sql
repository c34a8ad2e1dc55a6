-- Calls begun in each hour, day or month ($grain), by what became of them.
select
    step_of($grain, first_event_on, first_event_hour) as step,
    outcome,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
