-- Which fields the latest post-call results of the calls shown have, and how often they are filled.
with

shown as (
    select call_id
    from shown_calls($from_day, $until_day, $webhook, $agent, $direction)
),

results as (
    select
        count(distinct call_id) as result_count,
        count(distinct call_id) filter (result_json is not null) as json_count,
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
        count(distinct text) filter (type = 'text' and text <> '') as text_count,
    from analytics.post_call_fields
    semi join shown using (call_id)
    where is_latest
    group by path
)

select *
from fields, results
order by filled_count desc, path
limit $rows
