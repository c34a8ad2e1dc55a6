-- Each recording report. The audio can also be fetched by call, so a URL may be missing.
with

reported as (
    select
        event_id,
        call_id,
        received_at,
        list_filter(
            if(
                json_type(payload) = 'OBJECT',
                json_extract(payload, getvariable('recording_url_paths')),
                [payload]
            ),
            lambda value: json_type(value) = 'VARCHAR' and value <> '""'
        )[1] as url,
        payload,
    from events
    where type = 'event_recording' and duplicate_of is null
)

select
    event_id,
    call_id,
    received_at,
    as_text(url) as recording_url,
    payload,
from reported
