-- Each field of each post-call result that is JSON, however deep, as a row.
-- grain: one field of one post-call result
-- key: event_id, path
-- materialized: table
-- questions: Which fields do the results have? What are the values of one field over time?
with

results as (
    select
        event_id,
        call_id,
        received_at,
        result_json,
    from fluents.post_call_results
    where result_json is not null
),

fields as (
    select
        results.event_id,
        results.call_id,
        results.received_at,
        tree.fullkey as path,
        tree.type as json_type,
        tree.atom ->> '$' as text,
    from results, json_tree(results.result_json) as tree
    where tree.type not in ('OBJECT', 'ARRAY')
)

select
    -- The event that brought the result.
    event_id,
    -- The call, as Fluents names it.
    call_id,
    -- When the receiver got it.
    received_at,
    -- Where in the JSON the field is, such as $.details.topic.
    path,
    -- text, number, boolean or null.
    case
        when json_type = 'VARCHAR' then 'text'
        when json_type = 'BOOLEAN' then 'boolean'
        when json_type = 'NULL' then 'null'
        else 'number'
    end as type,
    -- The value as text, whatever its type.
    text,
    -- The value, where it is a number.
    case
        when json_type in ('UBIGINT', 'BIGINT', 'DOUBLE', 'HUGEINT') then try_cast(text as double)
    end as number,
    -- The value, where it is true or false.
    case when json_type = 'BOOLEAN' then text = 'true' end as boolean,
from fields
