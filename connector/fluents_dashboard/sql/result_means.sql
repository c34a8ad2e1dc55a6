-- The mean of one field's numbers by the hour, day or month ($grain) of the calls' first events.
select
    step_of($grain, calls.first_event_on, calls.first_event_hour) as step,
    sum(fields.number) as sum_number,
    count(fields.number) as number_count,
from analytics.post_call_fields as fields
inner join shown_calls($from_day, $until_day, $webhook, $agent, $direction) as calls
    using (call_id)
where fields.is_latest and fields.path = $path
group by all
