-- The numbers on the other side with most of the calls shown, and what became of those.
select
    contact_number,
    count(*) as call_count,
    count(*) filter (direction = 'inbound') as inbound_count,
    count(*) filter (direction = 'outbound') as outbound_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome in ('human', 'no_human', 'did_not_connect')) as known_count,
    local_text(max(first_event_at)) as last_call_at,
    arg_max(outcome, first_event_at) as last_outcome,
from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
where contact_number is not null
group by contact_number
order by call_count desc, contact_number
limit $rows
