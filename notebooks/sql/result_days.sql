-- How often one field is filled in, by the UTC day of the result's receipt.
with

shown as (
    select call_id
    from shown_calls($from_at, $until_at, $webhook, $direction)
),

filled as (
    select
        event_id,
        bool_or(type <> 'null' and text <> '') as is_filled,
    from analytics.post_call_fields
    where path = $path
    group by event_id
)

select
    strftime(results.received_at at time zone 'UTC', '%Y-%m-%d') as received_on,
    count(*) filter (filled.is_filled) as filled_count,
    count(*) as json_count,
    filled_count / json_count as filled_rate,
from fluents.post_call_results as results
semi join shown using (call_id)
left join filled using (event_id)
where results.result_json is not null
group by all
order by all
