-- Each recording report. The audio can also be fetched by call, so a URL may be missing.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        found_or_whole(payload, getvariable('recording_url_paths')) as url,
        payload,
    from events
    where type = 'event_recording' and duplicate_of is null
)

select
    event_id,
    call_id,
    received_at,
    case when json_type(url) = 'VARCHAR' then as_text(url) end as recording_url,
    payload,
from reported
