-- Each post-call result. Fluents names the field `post_call_results` "or a similar field", so
-- known names come first, then the only field there is, then the whole payload.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        payload,
        json_keys(payload) as keys,
        list_filter(
            list_zip(
                getvariable('post_call_names'),
                json_extract(payload, getvariable('post_call_paths'))
            ),
            lambda pair: pair[2] is not null and pair[2] <> 'null' and pair[2] <> '""'
        )[1] as known,
    from events
    where type = 'event_post_call_processing_completed' and duplicate_of is null
),

located as (
    select
        *,
        case
            when known is not null then known[1]
            when len(keys) = 1 then keys[1]
            when payload <> '{}' then 'payload'
        end as source_field,
        case
            when known is not null then known[2]
            when len(keys) = 1 then json_extract(payload, '$.*')[1]
            when payload <> '{}' then payload
        end as result,
    from reported
),

read_as_text as (select *, trim(as_text(nullif(result, 'null'))) as result_text from located),

opened as (
    select
        *,
        coalesce(
            json_in(result_text),
            -- JSON text within JSON text
            json_in(try_cast(result_text as json) ->> '$'),
            -- the first code fence that holds JSON; the last one may not be closed
            list_filter(
                list_transform(
                    regexp_extract_all(
                        result_text, '(?s)```[A-Za-z]*\s*(.*?)\s*(?:```|$)', 1
                    ),
                    lambda fenced: json_in(fenced)
                ),
                lambda found_json: found_json is not null
            )[1],
            -- backticks within the JSON
            json_in(regexp_extract(result_text, '(?s)```[A-Za-z]*\s*(.*)\s*```', 1))
        ) as result_json,
    from read_as_text
),

-- As for bodies: what is nested deeper than 128 levels is not read, because JSON functions
-- refuse it or crash. Only where there are more brackets than that is their nesting counted.
brackets as (
    select
        event_id,
        regexp_extract_all(
            regexp_replace(result_json::varchar, '"(?:[^"\\]|\\.)*"', '', 'g'), '[\[\]{}]'
        ) as brackets,
    from opened
    where result_json is not null
),

each_bracket as (
    select
        event_id,
        unnest(brackets) as bracket,
        generate_subscripts(brackets, 1) as place,
    from brackets
    where len(brackets) > 2 * 128
),

nesting as (
    select
        event_id,
        sum(if(bracket in ('[', '{'), 1, -1)) over (partition by event_id order by place) as depth,
    from each_bracket
),

too_deep as (select distinct event_id from nesting where depth > 128)

select
    event_id,
    call_id,
    received_at,
    as_text(nullif(result, 'null')) as result_text,
    case when too_deep.event_id is null then result_json end as result_json,
    source_field,
    payload,
from opened
left join too_deep using (event_id)
