-- How often a field of post-call results holds which text, by the day of the result's receipt. Of
-- each field the 20 texts have rows of their own that are the most frequent of all results and have
-- up to 60 characters; the others are one row. Results are counted as in post_call_fields_daily, and
-- all counts add up over days and agents.
-- grain: one text of a field that holds texts, or all other ones together, by day and agent
-- key: received_on, agent, path, is_other, value
-- questions: Which outcomes, topics or tags are there, and which share has each? Does it change?
with

fields as (
    select
        event_id,
        received_on,
        coalesce(agent, 'unknown') as agent,
        path,
        item_path <> path as is_item,
        case when length(text) <= 60 then text end as value,
    from analytics.post_call_fields
    where is_latest and type = 'text'
),

-- A text that a list holds twice counts once.
counted as (
    select received_on, agent, path, value, count(*) as value_count
    from fields
    where not is_item
    group by all
    union all by name
    select received_on, agent, path, value, count(*) as value_count
    from (
        select distinct event_id, received_on, agent, path, value
        from fields
        where is_item
    ) as items
    group by all
),

-- of equally frequent ones the first by the alphabet, so that they are always the same
frequent as (
    select path, value
    from counted
    where value is not null
    group by path, value
    qualify row_number() over (partition by path order by sum(value_count) desc, value) <= 20
),

summed as (
    select
        counted.received_on,
        counted.agent,
        counted.path,
        frequent.value,
        sum(counted.value_count)::bigint as value_count,
    from counted
    left join frequent using (path, value)
    group by all
)

select
    -- Day on which the results were received, in time_zone of the settings.
    received_on,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Where in the JSON the field is, such as $.details.topic; all items of a list are $.tags[*].
    path,
    -- Whether these are all texts but the frequent ones.
    summed.value is null as is_other,
    -- The text; all others where is_other.
    coalesce(summed.value, 'all others') as value,
    -- Results that hold it; of the others, results that hold each, added up.
    value_count,
    -- The value_count of all texts of the field together, on that day and of that agent.
    sum(value_count) over (partition by received_on, agent, path)::bigint as text_count,
    -- value_count of text_count.
    value_count / text_count as value_rate,
from summed
