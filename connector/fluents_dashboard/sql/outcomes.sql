-- What became of the calls.
select
    outcome,
    count(*) as call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
