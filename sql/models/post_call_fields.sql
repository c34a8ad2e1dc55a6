-- Each field of each post-call result that is JSON, however deep, as a row.
-- A text that is a number or true or false counts as that. Results of a call that was analysed twice
-- are both here; is_latest tells which counts.
-- grain: one value of a field of one post-call result
-- key: event_id, item_path
-- materialized: table
-- needs: fluents.post_call_results
-- time: received_at
-- questions: Which fields do the results have? What are the values of one field over time?
with recursive

-- Level by level and not by json_tree, which would carry the whole result along with each of its
-- fields: a result of 1 MB with 10,000 fields would need 10 GB.
nodes as (
    select
        event_id,
        '$' as item_path,
        result_json as value,
    from fluents.post_call_results
    where result_json is not null
    union all
    select
        event_id,
        item_path
        || case
            when key is null then '[' || (place - 1) || ']'
            when regexp_full_match(key, '[A-Za-z][A-Za-z0-9_]*') then '.' || key
            else '."' || replace(replace(key, '\', '\\'), '"', '\"') || '"'
        end as item_path,
        value,
    from (
        select
            event_id,
            item_path,
            unnest(case when firsts is null then keys else list_select(keys, firsts) end) as key,
            unnest(
                case when firsts is null then children else list_select(children, firsts) end
            ) as value,
            generate_subscripts(children, 1) as place,
        from (
            select
                *,
                case json_type(value)
                    when 'OBJECT' then json_extract(value, '$.*')
                    else json_extract(value, '$[*]')
                end as children,
                json_keys(value) as keys,
                -- of a key that an object repeats the first counts, as for JSON paths in DuckDB
                case
                    when len(keys) > len(list_distinct(keys))
                    then list_filter(
                        range(1, len(keys) + 1), lambda nth: list_position(keys, keys[nth]) = nth
                    )
                end as firsts,
            from nodes
            where json_type(value) in ('OBJECT', 'ARRAY')
        ) as parents
    ) as found
),

results as (
    select
        results.event_id,
        results.call_id,
        results.received_at,
        (results.received_at at time zone getvariable('time_zone'))::date as received_on,
        calls.agent,
    from fluents.post_call_results as results
    left join analytics.call_summary as calls using (call_id)
),

fields as (
    select
        nodes.event_id,
        results.call_id,
        results.received_at,
        results.received_on,
        results.agent,
        nodes.item_path,
        json_type(nodes.value) as json_type,
        nodes.value ->> '$' as text,
        trim(text) as trimmed,
    from nodes
    inner join results using (event_id)
    where json_type(nodes.value) not in ('OBJECT', 'ARRAY')
),

latest as (
    select max(event_id) as event_id
    from fluents.post_call_results
    where result_json is not null
    group by call_id
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
    -- Its day in time_zone of the settings.
    received_on,
    -- Name of the call's agent; NULL where [agents] of the settings gives none.
    agent,
    -- Whether it is the latest result of its call that is JSON.
    event_id in (select event_id from latest) as is_latest,
    -- Where in the JSON the field is, such as $.details.topic; all items of a list are $.tags[*].
    path,
    -- The same with the item's place in its list: $.tags[0].
    item_path,
    -- One of text, number, boolean or null.
    type,
    -- The value as text, whatever its type.
    text,
    -- The value, where it is a number, in a text too.
    case when type = 'number' then try_cast(trim(text) as double) end as number,
    -- The value, where it is true or false, in a text too and in any case.
    case when type = 'boolean' then lower(trim(text)) = 'true' end as boolean,
from typed
