-- Each field of each post-call result that is JSON, however deep, as a row.
-- A text that is a number or true or false counts as that. Results of a call that was analysed twice
-- are both here.
-- grain: one value of a field of one post-call result
-- key: event_id, item_path
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
        tree.fullkey as item_path,
        tree.type as json_type,
        tree.atom ->> '$' as text,
        trim(text) as trimmed,
    from results, json_tree(results.result_json) as tree
    where tree.type not in ('OBJECT', 'ARRAY')
),

-- Up to nine digits before the point and no zero in front: telephone numbers, dates and codes such
-- as 02139 are texts.
typed as (
    select
        * exclude (trimmed),
        regexp_replace(item_path, '\[\d+\]', '[*]', 'g') as path,
        case
            when json_type = 'NULL' then 'null'
            when json_type = 'BOOLEAN' then 'boolean'
            when json_type <> 'VARCHAR' then 'number'
            when regexp_full_match(trimmed, '-?(0|[1-9]\d{0,8})(\.\d+)?') then 'number'
            when lower(trimmed) in ('true', 'false') then 'boolean'
            else 'text'
        end as type,
    from fields
)

select
    -- The event that brought the result.
    event_id,
    -- The call, as Fluents names it.
    call_id,
    -- When the receiver got it.
    received_at,
    -- Where in the JSON the field is, such as $.details.topic; all items of a list are $.tags[*].
    path,
    -- The same with the item's place in its list: $.tags[0].
    item_path,
    -- text, number, boolean or null.
    type,
    -- The value as text, whatever its type.
    text,
    -- The value, where it is a number, in a text too.
    case when type = 'number' then try_cast(trim(text) as double) end as number,
    -- The value, where it is true or false, in a text too and in any case.
    case when type = 'boolean' then lower(trim(text)) = 'true' end as boolean,
from typed
