-- Calls begun in each minute, hour or day ($grain), by what became of them.
select
    strftime(date_trunc($grain, first_event_at at time zone 'UTC'), '%Y-%m-%dT%H:%M:%SZ') as began_at,
    outcome,
    count(*) as call_count,
from shown_calls($from_at, $until_at, $webhook, $direction)
group by all
order by all
