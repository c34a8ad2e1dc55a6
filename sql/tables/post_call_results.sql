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
            lambda pair: pair[2] is not null and pair[2] <> 'null'
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
            when payload is not null then 'payload'
        end as source_field,
        case
            when known is not null then known[2]
            when len(keys) = 1 then json_extract(payload, '$.*')[1]
            else payload
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
            json_in(regexp_extract(result_text, '(?s)```[A-Za-z]*\s*(.*?)\s*```', 1))
        ) as result_json,
    from read_as_text
)

select
    event_id,
    call_id,
    received_at,
    as_text(nullif(result, 'null')) as result_text,
    result_json,
    source_field,
    payload,
from opened
