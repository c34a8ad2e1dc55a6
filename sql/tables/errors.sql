-- Each error. An event may bring one as a text or as an object that has a message and a code, or
-- a list of them. One that says nothing is an error without a message.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        coalesce(
            found_list(payload, getvariable('error_list_paths')),
            found_or_whole(payload, getvariable('error_message_paths'))
        ) as error,
        found_text(payload, getvariable('error_code_paths')) as code,
        payload,
    from events
    where type = 'event_error' and duplicate_of is null
),

opened as (
    select
        event_id,
        call_id,
        received_at,
        case
            when json_type(error) = 'OBJECT'
            then
                coalesce(
                    found_list(error, getvariable('error_list_paths')),
                    found(error, getvariable('error_message_paths')),
                    error
                )
            else error
        end as said,
        coalesce(found_text(error, getvariable('error_code_paths')), code) as code,
    from reported
),

listed as (
    select
        * exclude (said),
        case
            when json_type(said) <> 'ARRAY'
            then [said]
            else
                list_filter(
                    json_extract(said, '$[*]'), lambda item: item not in ('null', '""', '{}', '[]')
                )
        end as items,
    from opened
),

-- the payload is not carried along: a list of a million errors would repeat it a million times
each_error as (
    select
        event_id,
        call_id,
        received_at,
        code,
        unnest(if(len(items) > 0, items, [null])) as item,
        generate_subscripts(if(len(items) > 0, items, [null]), 1) as error_index,
    from listed
)

select
    each_error.event_id,
    each_error.call_id,
    each_error.received_at,
    error_index,
    nullif(
        as_text(coalesce(found(item, getvariable('error_message_paths')), item)), ''
    ) as message,
    -- the name of the event's own type is no code
    nullif(
        coalesce(found_text(item, getvariable('error_code_paths')), each_error.code), 'event_error'
    ) as code,
    payload,
from each_error
left join reported on reported.event_id = each_error.event_id and error_index = 1
