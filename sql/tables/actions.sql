-- Each report of an action. Its start and its finish come as two reports of the same action.
-- What the output does not say of success is looked for beside it.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        found_text(payload, getvariable('action_id_paths')) as action_id,
        -- the payload may be the whole event of the sender's library, with the event's own type
        nullif(found_text(payload, getvariable('action_type_paths')), 'event_action') as stated_type,
        found_text(payload, getvariable('action_name_paths')) as action_name,
        lower(found_text(payload, getvariable('action_phase_paths'))) as stated_phase,
        found(payload, getvariable('action_input_paths')) as input,
        found(payload, getvariable('action_output_paths')) as output,
        found_text(payload, getvariable('action_time_paths')) as occurred_at,
        payload,
    from events
    where type = 'event_action' and duplicate_of is null
),

said as (
    select
        *,
        coalesce(
            found_error(output, getvariable('action_error_paths')),
            found_error(payload, getvariable('action_error_paths'))
        ) as error,
        lower(
            coalesce(
                found_text(output, getvariable('action_success_paths')),
                found_text(payload, getvariable('action_success_paths'))
            )
        ) as success,
        coalesce(
            try_cast(found_text(output, getvariable('action_http_status_paths')) as integer),
            try_cast(found_text(payload, getvariable('action_http_status_paths')) as integer)
        ) as http_status,
        [
            lower(found_text(output, getvariable('action_status_paths'))),
            lower(found_text(payload, getvariable('action_status_paths')))
        ] as statuses,
        coalesce(
            found_text(output, getvariable('action_failure_message_paths')),
            found_text(payload, getvariable('action_failure_message_paths'))
        ) as failure_message,
    from reported
),

judged as (
    select
        *,
        case
            when
                error is not null
                or success in ('false', '0', 'no')
                or http_status between 400 and 599
                or any_matches(
                    statuses,
                    '(action_)?(fail(ed|ure)?|error(ed)?|timeout|timed[_ -]?out|unsuccessful)'
                )
            then false
            when
                success in ('true', '1', 'yes')
                or http_status between 200 and 399
                or any_matches(statuses, '(action_)?(success(ful)?|succeeded|ok)')
            then true
        end as outcome,
    from said
),

phased as (
    select
        *,
        case
            when stated_phase like '%start%' then 'start'
            when
                regexp_matches(
                    stated_phase,
                    'finish|complete|result|succe|fail|error|(^|[^a-z])end(ed)?([^a-z]|$)'
                )
            then 'finish'
            when output is not null or outcome is not null then 'finish'
            when input is not null then 'start'
        end as phase,
    from judged
)

select
    event_id,
    call_id,
    received_at,
    action_id,
    coalesce(stated_type, action_name) as action_type,
    action_name,
    phase,
    -- what has only started has neither succeeded nor failed
    case when phase is distinct from 'start' then outcome end as is_success,
    case
        when is_success
        then null
        when error is not null
        then
            nullif(as_text(coalesce(found(error, getvariable('error_message_paths')), error)), 'true')
        when is_success = false then failure_message
    end as error,
    input,
    output,
    point_in_time(occurred_at) as occurred_at,
    payload,
from phased
