-- The most frequent values of one field by the hour, day or month ($grain) of the calls' first
-- events: place 1 to $places as in result_values, and 0 for all others together.
with

held as (
    select
        step_of($grain, calls.first_event_on, calls.first_event_hour) as step,
        fields.text as value,
    from analytics.post_call_fields as fields
    inner join shown_calls($from_day, $until_day, $webhook, $agent, $direction) as calls
        using (call_id)
    where fields.is_latest
        and fields.path = $path
        and fields.type <> 'null'
        and fields.text <> ''
),

ranked as (
    select
        value,
        row_number() over (order by count(*) desc, value) as place,
    from held
    group by value
)

select
    step,
    's' || case when place <= $places then place else 0 end as series,
    count(*) as result_count,
from held
inner join ranked using (value)
group by all
