-- The post-call results of the calls shown, with a column for each field that the settings name.
select
    calls.first_event_on,
    local_text(wide.received_at) as received_at,
    calls.agent,
    calls.direction,
    calls.contact_number,
    calls.outcome as call_outcome,
    wide.* exclude (received_at, event_id),
from analytics.post_call_wide as wide
inner join shown_calls($from_day, $until_day, $webhook, $agent, $direction) as calls using (call_id)
order by wide.received_at, wide.event_id
