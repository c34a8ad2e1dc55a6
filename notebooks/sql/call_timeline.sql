-- The events of one call in the order of their receipt, without repeated deliveries.
with

events as (
    select
        event_id,
        received_at,
        type,
        min(received_at) over () as first_at,
    from fluents.events
    where call_id = $call_id and duplicate_of is null
),

errors as (
    select
        event_id,
        string_agg(concat_ws(': ', code, message), '; ' order by error_index) as said,
    from fluents.errors
    where call_id = $call_id
    group by event_id
)

select
    strftime(events.received_at at time zone 'UTC', '%H:%M:%S') as received_at,
    date_diff('millisecond', events.first_at, events.received_at) / 1000.0 as after_seconds,
    regexp_replace(events.type, '^event_', '') as type,
    left(
        coalesce(
            messages.sender || ': ' || messages.text,
            actions.action_type
            || coalesce(' ' || actions.phase, '')
            || case actions.is_success when true then ': succeeded' when false then ': failed' else '' end,
            errors.said,
            human_detections.result,
            ''
        ),
        200
    ) as detail,
from events
left join fluents.messages on messages.event_id = events.event_id and messages.call_id = $call_id
left join fluents.actions on actions.event_id = events.event_id and actions.call_id = $call_id
left join errors on errors.event_id = events.event_id
left join fluents.human_detections
    on human_detections.event_id = events.event_id and human_detections.call_id = $call_id
order by events.received_at, events.event_id
limit $rows
