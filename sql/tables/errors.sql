-- Each error. Its message may be a text, a list of texts, or an object that has one inside.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        found_or_whole(payload, getvariable('error_message_paths')) as error,
        found_text(payload, getvariable('error_code_paths')) as code,
        payload,
    from events
    where type = 'event_error' and duplicate_of is null
),

opened as (
    select
        *,
        case
            when json_type(error) = 'OBJECT'
            then coalesce(found(error, getvariable('error_message_paths')), error)
            else error
        end as said,
    from reported
)

select
    event_id,
    call_id,
    received_at,
    nullif(
        case
            when json_type(said) = 'ARRAY'
            then
                array_to_string(
                    list_transform(
                        json_extract(said, '$[*]'),
                        lambda item: as_text(
                            coalesce(found(item, getvariable('error_message_paths')), item)
                        )
                    ),
                    '; '
                )
            else as_text(said)
        end,
        ''
    ) as message,
    coalesce(found_text(error, getvariable('error_code_paths')), code) as code,
    payload,
from opened
