-- The events of one call in the order of their receipt, without repeated deliveries; below a
-- transcript the lines in it that are no turns: actions, conferences, backchannels.
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
),

described as (
    select
        events.*,
        0 as line_index,
        coalesce(
            messages.text,
            actions.error,
            errors.said,
            human_detections.result,
            ''
        ) as detail,
        messages.sender,
        coalesce(actions.action_name, actions.action_type) as action,
        actions.phase,
        actions.is_success,
    from events
    left join fluents.messages
        on messages.event_id = events.event_id and messages.call_id = $call_id
    left join fluents.actions on actions.event_id = events.event_id and actions.call_id = $call_id
    left join errors on errors.event_id = events.event_id
    left join fluents.human_detections
        on human_detections.event_id = events.event_id and human_detections.call_id = $call_id
),

reported as (
    select
        events.* replace ('in_transcript' as type),
        lines.turn_index as line_index,
        lines.text as detail,
    from events
    inner join fluents.transcript_turns as lines
        on lines.event_id = events.event_id and lines.call_id = $call_id
    where lines.speaker in ('action', 'conference')
),

backchannels as (
    select
        events.* replace ('in_transcript' as type),
        lines.line_index,
        lines.text as detail,
        'backchannel' as sender,
    from events
    inner join analytics.conversation_turns as lines
        on lines.event_id = events.event_id and lines.call_id = $call_id
    where lines.is_backchannel
),

shown as (
    select * from described
    union all by name
    select * from reported
    union all by name
    select * from backchannels
)

select
    strftime(received_at, '%H:%M:%S') as received_at,
    date_diff('millisecond', first_at, received_at) / 1000.0 as after_seconds,
    type,
    left(detail, 300) as detail,
    sender,
    action,
    phase,
    is_success,
from shown
order by shown.received_at, event_id, line_index
limit $rows
