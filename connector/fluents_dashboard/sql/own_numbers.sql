-- The numbers on your side, and how many of their connected calls were with a human.
select
    coalesce(own_number, 'unknown') as own_number,
    any_value(agent) as agent,
    count(*) as call_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome in ('human', 'no_human')) as known_count,
    count(*) filter (has_error) as error_call_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
group by all
order by call_count desc, own_number
limit $rows
