-- Each transcript, or chunk of one, as text.
select
    event_id,
    call_id,
    received_at,
    as_text(found_or_whole(payload, getvariable('transcript_paths'))) as transcript,
    payload,
from events
where type in ('event_transcript', 'event_transcript_complete') and duplicate_of is null
