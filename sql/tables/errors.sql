-- Each error. Its message may be a text, a list of texts, or an object that has one inside.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        found_or_whole(payload, getvariable('error_message_paths')) as error,
        found(payload, getvariable('error_code_paths')) as code,
        payload,
    from events
    where type = 'event_error' and duplicate_of is null
)

select
    event_id,
    call_id,
    received_at,
    case json_type(error)
        when 'ARRAY' then array_to_string(json_extract_string(error, '$[*]'), '; ')
        when 'OBJECT' then as_text(coalesce(found(error, getvariable('error_message_paths')), error))
        else as_text(error)
    end as message,
    scalar_text(coalesce(found(error, getvariable('error_code_paths')), code)) as code,
    payload,
from reported
