-- Each detection of whether a human answered.
select
    event_id,
    call_id,
    received_at,
    lower(found_text_or_whole(payload, getvariable('human_detection_paths'))) as result,
    payload,
from events
where type = 'event_human_detection' and duplicate_of is null
