-- Each report of an action. Its start and its finish come as two reports of the same action.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        found_text(payload, getvariable('action_id_paths')) as action_id,
        found_text(payload, getvariable('action_type_paths')) as action_type,
        lower(found_text(payload, getvariable('action_phase_paths'))) as stated_phase,
        found(payload, getvariable('action_input_paths')) as input,
        found(payload, getvariable('action_output_paths')) as output,
        found_text(payload, getvariable('action_time_paths')) as occurred_at,
        payload,
    from events
    where type = 'event_action' and duplicate_of is null
)

select
    event_id,
    call_id,
    received_at,
    action_id,
    action_type,
    case
        when stated_phase like '%start%' then 'start'
        when
            regexp_matches(
                stated_phase, 'finish|complete|result|succe|fail|error|(^|[^a-z])end(ed)?([^a-z]|$)'
            )
        then 'finish'
        when output is not null then 'finish'
        when input is not null then 'start'
    end as phase,
    input,
    output,
    point_in_time(occurred_at) as occurred_at,
    payload,
from reported
