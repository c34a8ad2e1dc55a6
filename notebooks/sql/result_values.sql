-- The most frequent values of one field.
with

shown as (
    select call_id
    from shown_calls($from_at, $until_at, $webhook, $direction)
)

select
    left(text, 60) as value,
    count(*) as result_count,
    sum(count(*)) over () as filled_count,
from analytics.post_call_fields
semi join shown using (call_id)
where path = $path and type <> 'null' and text <> ''
group by all
order by result_count desc, value
limit $rows
