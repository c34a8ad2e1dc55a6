-- Who answers when, as the model answer_rates says, of the calls shown.
select
    isodow(first_event_at at time zone 'UTC') as weekday,
    hour(first_event_at at time zone 'UTC') as hour,
    count(*) as call_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome in ('human', 'no_human', 'did_not_connect')) as known_count,
    human_count / nullif(known_count, 0) as human_rate_of_calls,
from shown_calls($from_at, $until_at, $webhook, $direction)
group by all
order by all
