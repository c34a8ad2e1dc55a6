-- Calls of each agent by the hour, day or month ($grain) of their first events.
select
    strftime(
        date_trunc($grain, first_event_on + to_hours(first_event_hour)), '%Y-%m-%d %H'
    ) as step,
    agent,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
