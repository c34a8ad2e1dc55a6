-- Who answers when, as the model answer_rates says, of the outbound calls shown: a call that came in
-- says nothing about when people answer.
select
    first_event_weekday as weekday,
    first_event_hour as hour,
    count(*) as call_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome in ('human', 'no_human', 'did_not_connect')) as known_count,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
where direction = 'outbound'
group by all
order by all
