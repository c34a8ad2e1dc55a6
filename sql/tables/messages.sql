-- Each message of a conversation.
select
    event_id,
    call_id,
    received_at,
    found_text(payload, getvariable('message_sender_paths')) as sender,
    as_text(found_or_whole(payload, getvariable('message_text_paths'))) as text,
    point_in_time(found_text(payload, getvariable('message_time_paths'))) as sent_at,
    payload,
from events
where type = 'event_message' and duplicate_of is null
