-- The most frequent values of one field, in the latest results of the calls shown.
with

shown as (
    select call_id
    from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
)

select
    text as value,
    count(*) as value_count,
    sum(count(*)) over ()::bigint as all_count,
from analytics.post_call_fields
semi join shown using (call_id)
where is_latest and path = $path and type <> 'null' and text <> ''
group by all
order by value_count desc, value
limit $rows
