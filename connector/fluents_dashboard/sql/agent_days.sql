-- Calls of each agent by the hour, day or month ($grain) of their first events.
select
    step_of($grain, first_event_on, first_event_hour) as step,
    agent,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
