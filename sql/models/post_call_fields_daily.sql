-- How the fields of post-call results develop, by the day of the result's receipt. Of a call that was
-- analysed more than once, the latest result that is JSON counts. Counts and total_number add up over
-- days and agents; medians and top_text do not.
-- grain: one day, agent and field of the results that are JSON
-- key: received_on, agent, path
-- questions: How often is a field filled in? What is its mean, its share of true, its usual value?
with

results as (
    select
        json_result_on as received_on,
        coalesce(agent, 'unknown') as agent,
        count(*) as result_count,
    from analytics.call_summary
    where json_result_on is not null
    group by all
),

fields as (
    select
        * replace (coalesce(agent, 'unknown') as agent),
        type <> 'null' and text <> '' as is_filled,
        item_path <> path as is_item,
    from analytics.post_call_fields
    where is_latest
),

counted as (
    select
        received_on,
        agent,
        path,
        count(*) filter (is_filled and not is_item) as plain_count,
        count(number) as number_count,
        sum(number) as total_number,
        median(number) as median_number,
        count(boolean) as boolean_count,
        count(*) filter (boolean) as true_count,
        count(*) filter (type = 'text') as text_count,
    from fields
    group by all
),

-- The items of a list share a path, and no other values of a result do. A count of its own, because
-- a distinct one beside the others takes ten times as long.
lists as (
    select received_on, agent, path, count(distinct event_id) as list_count
    from fields
    where is_filled and is_item
    group by all
),

texts as (
    select received_on, agent, path, text, count(*) as text_count
    from fields
    where type = 'text' and length(text) <= 60
    group by all
),

-- of equally frequent ones the first by the alphabet, so that it is always the same
top_texts as (
    select
        received_on,
        agent,
        path,
        max(text_count) as top_text_count,
        min({'count': -text_count, 'text': text}).text as top_text,
    from texts
    group by all
)

select
    -- Day on which the results were received, in time_zone of the settings.
    received_on,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Where in the JSON the field is, such as $.details.topic; all items of a list are $.tags[*].
    path,
    -- Calls of the agent whose latest result that is JSON came on that day: the results counted here.
    result_count,
    -- Results in which the field holds something: neither null nor an empty text.
    plain_count + coalesce(list_count, 0) as filled_count,
    -- filled_count of result_count.
    filled_count / nullif(result_count, 0) as filled_rate,
    -- Values that are numbers: one a result, but for items of lists.
    number_count,
    -- All the numbers together.
    total_number,
    -- Their mean: total_number of number_count.
    total_number / nullif(number_count, 0) as mean_number,
    -- Median of the numbers.
    median_number,
    -- Values that are true or false.
    boolean_count,
    -- Values that are true.
    true_count,
    -- true_count of boolean_count.
    true_count / nullif(boolean_count, 0) as true_rate,
    -- Values that are other texts.
    text_count,
    -- The most frequent text of up to 60 characters.
    top_text,
    -- Values that are that text.
    top_text_count,
    -- top_text_count of text_count.
    top_text_count / nullif(text_count, 0) as top_text_rate,
from counted
inner join results using (received_on, agent)
left join lists using (received_on, agent, path)
left join top_texts using (received_on, agent, path)
