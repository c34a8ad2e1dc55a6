-- One row a call: the fold of its events and of the row that the warehouse has already.
-- An event is a call of which only one thing is known, so a fold of events and a fold of folds
-- are the same: minimum, maximum, and the value of the least or greatest event_id (which sorts
-- by receipt). Order, batches and repetition cannot change the result.
with

facts as (
    select
        events.call_id,
        events.event_id,
        events.received_at,
        events.type,
        events.webhook,
        coalesce(
            events.from_number,
            case
                when events.type = 'event_phone_call_connected'
                then found_phone_number(events.payload, getvariable('from_number_paths'))
            end
        ) as from_number,
        coalesce(
            events.to_number,
            case
                when events.type = 'event_phone_call_connected'
                then found_phone_number(events.payload, getvariable('to_number_paths'))
            end
        ) as to_number,
        events.is_outgoing,
        recordings.recording_url,
        human_detections.result as human_detection_result,
        case
            when events.type = 'event_phone_call_did_not_connect'
            then
                found_text_or_whole(events.payload, getvariable('did_not_connect_reason_paths'))
        end as did_not_connect_reason_raw,
        case
            when events.type = 'event_phone_call_ended'
            then stated_amount(found_text(events.payload, getvariable('stated_minutes_paths')))
        end as stated_minutes,
    from events
    left join recordings using (event_id)
    left join human_detections using (event_id)
    where events.duplicate_of is null
),

events_as_calls as (
    select
        call_id,
        received_at as first_event_at,
        received_at as last_event_at,
        case when type = 'event_phone_call_connected' then received_at end as connected_at,
        case when type = 'event_phone_call_did_not_connect' then received_at end
            as did_not_connect_at,
        case when type = 'event_phone_call_ended' then received_at end as ended_at,
        case when type in ('event_transcript', 'event_transcript_complete') then received_at end
            as transcript_at,
        case when type = 'event_recording' then received_at end as recording_at,
        case when type = 'event_post_call_processing_completed' then received_at end
            as post_call_completed_at,
        case when type = 'event_error' then received_at end as first_error_at,
        webhook,
        event_id as webhook_event_id,
        from_number,
        if(from_number is null, null, event_id) as from_number_event_id,
        to_number,
        if(to_number is null, null, event_id) as to_number_event_id,
        is_outgoing,
        if(is_outgoing is null, null, event_id) as is_outgoing_event_id,
        did_not_connect_reason_raw,
        if(did_not_connect_reason_raw is null, null, event_id) as did_not_connect_reason_event_id,
        human_detection_result,
        if(human_detection_result is null, null, event_id) as human_detection_result_event_id,
        stated_minutes,
        if(stated_minutes is null, null, event_id) as stated_minutes_event_id,
        recording_url,
        if(recording_url is null, null, event_id) as recording_url_event_id,
    from facts
),

-- What a call's row took from one of these events is the event's to tell: it may be read
-- otherwise by now. Without the event that it came from, a value counts for nothing below.
still_known as (
    select
        * exclude (direction, status, did_not_connect_reason) replace (
            if(webhook_event_id in (select event_id from events), null, webhook_event_id)
                as webhook_event_id,
            if(from_number_event_id in (select event_id from events), null, from_number_event_id)
                as from_number_event_id,
            if(to_number_event_id in (select event_id from events), null, to_number_event_id)
                as to_number_event_id,
            if(is_outgoing_event_id in (select event_id from events), null, is_outgoing_event_id)
                as is_outgoing_event_id,
            if(did_not_connect_reason_event_id in (select event_id from events), null, did_not_connect_reason_event_id)
                as did_not_connect_reason_event_id,
            if(human_detection_result_event_id in (select event_id from events), null, human_detection_result_event_id)
                as human_detection_result_event_id,
            if(stated_minutes_event_id in (select event_id from events), null, stated_minutes_event_id)
                as stated_minutes_event_id,
            if(recording_url_event_id in (select event_id from events), null, recording_url_event_id)
                as recording_url_event_id
        ),
    from known_calls
),

all_known as (
    select * from events_as_calls
    union all by name
    select * from still_known
),

folded as (
    select
        call_id,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        min(connected_at) as connected_at,
        min(did_not_connect_at) as did_not_connect_at,
        min(ended_at) as ended_at,
        min(transcript_at) as transcript_at,
        min(recording_at) as recording_at,
        min(post_call_completed_at) as post_call_completed_at,
        min(first_error_at) as first_error_at,
        arg_min(webhook, webhook_event_id) as webhook,
        min(webhook_event_id) as webhook_event_id,
        arg_min(from_number, from_number_event_id) as from_number,
        min(from_number_event_id) as from_number_event_id,
        arg_min(to_number, to_number_event_id) as to_number,
        min(to_number_event_id) as to_number_event_id,
        arg_min(is_outgoing, is_outgoing_event_id) as is_outgoing,
        min(is_outgoing_event_id) as is_outgoing_event_id,
        arg_min(did_not_connect_reason_raw, did_not_connect_reason_event_id)
            as did_not_connect_reason_raw,
        min(did_not_connect_reason_event_id) as did_not_connect_reason_event_id,
        arg_max(human_detection_result, human_detection_result_event_id) as human_detection_result,
        max(human_detection_result_event_id) as human_detection_result_event_id,
        arg_max(stated_minutes, stated_minutes_event_id) as stated_minutes,
        max(stated_minutes_event_id) as stated_minutes_event_id,
        arg_max(recording_url, recording_url_event_id) as recording_url,
        max(recording_url_event_id) as recording_url_event_id,
    from all_known
    group by call_id
)

select
    *,
    normal_reason(did_not_connect_reason_raw) as did_not_connect_reason,
    case is_outgoing when true then 'outbound' when false then 'inbound' end as direction,
    case
        when did_not_connect_at is not null and connected_at is null then 'did_not_connect'
        -- Post-call processing starts when the call is over, also where no end was reported.
        when coalesce(ended_at, post_call_completed_at) is not null then 'ended'
        when connected_at is not null then 'in_progress'
        when first_error_at is not null then 'error'
        else 'unknown'
    end as status,
from folded
