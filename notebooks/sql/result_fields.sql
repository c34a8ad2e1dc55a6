-- Which fields the post-call results of the calls shown have, and how often they are filled in.
with

shown as (
    select call_id
    from shown_calls($from_at, $until_at, $webhook, $direction)
),

results as (
    select
        count(*) as result_count,
        count(result_json) as json_count,
    from fluents.post_call_results
    semi join shown using (call_id)
),

fields as (
    select
        path,
        count(distinct event_id) filter (type <> 'null' and text <> '') as filled_count,
        count(number) as number_count,
        avg(number) as mean_number,
        count(boolean) as boolean_count,
        count(*) filter (boolean) as true_count,
    from analytics.post_call_fields
    semi join shown using (call_id)
    group by path
)

select
    path,
    filled_count,
    json_count,
    result_count,
    number_count,
    mean_number,
    true_count,
    boolean_count,
from fields, results
order by filled_count desc, path
limit $rows
