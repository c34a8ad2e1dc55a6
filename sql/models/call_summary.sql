-- One row a call, with what became of it: outcome, times, counts, and its latest transcript and
-- post-call result.
-- grain: one call
-- key: call_id
-- questions: What became of this call? How long did it last, by the receipt of its reports?
--   Did a human answer? What was said, and what did the analysis find?
with

calls as (select * from fluents.calls),

counted as (
    select
        call_id,
        count(*) as event_count,
        count(*) filter (type = 'event_message') as message_count,
        count(*) filter (type = 'event_action') as action_report_count,
        count(*) filter (type = 'event_transcript') as transcript_count,
        count(*) filter (type = 'event_error') as error_count,
        count(*) filter (type = 'event_post_call_processing_completed') as post_call_result_count,
    from fluents.events
    where duplicate_of is null
    group by call_id
),

turns_counted as (
    select
        event_id,
        count(*) as turn_count,
        count(*) filter (speaker = 'human') as human_turn_count,
    from fluents.transcript_turns
    group by event_id
),

-- One event is chosen as the latest, so that all that is said of it belongs together.
latest_transcripts as (
    select
        transcripts.call_id,
        arg_max(
            {
                'transcript': transcripts.transcript,
                'turn_count': coalesce(turns_counted.turn_count, 0),
                'human_turn_count': coalesce(turns_counted.human_turn_count, 0),
            },
            transcripts.event_id
        ) as latest,
    from fluents.transcripts
    left join turns_counted using (event_id)
    where trim(transcripts.transcript) <> ''
    group by transcripts.call_id
),

latest_results as (
    select
        call_id,
        arg_max({'text': result_text, 'json': result_json}, event_id) as latest,
    from fluents.post_call_results
    where trim(result_text) <> ''
    group by call_id
)

select
    calls.call_id,
    calls.direction,
    calls.from_number,
    calls.to_number,
    calls.webhook,
    calls.status,
    case
        when calls.status = 'did_not_connect' then 'did_not_connect'
        when calls.human_detection_result = 'no_human' then 'no_human'
        when calls.human_detection_result = 'human' or latest_transcripts.latest.human_turn_count > 0
        then 'human'
        when calls.connected_at is not null then 'connected'
        else 'unknown'
    end as outcome,
    calls.did_not_connect_reason,
    calls.first_event_at,
    calls.last_event_at,
    calls.connected_at,
    calls.ended_at,
    -- between receipts of two reports, as Fluents states no time: NULL unless both came
    if(
        calls.ended_at >= calls.connected_at,
        date_diff('millisecond', calls.connected_at, calls.ended_at) / 1000.0,
        null
    ) as receipt_duration_seconds,
    counted.event_count,
    counted.message_count,
    counted.action_report_count,
    counted.transcript_count,
    counted.error_count,
    counted.post_call_result_count,
    latest_transcripts.latest.turn_count,
    latest_transcripts.latest.human_turn_count,
    calls.connected_at is not null as has_connected,
    calls.ended_at is not null as has_ended,
    latest_transcripts.call_id is not null as has_transcript,
    calls.recording_at is not null as has_recording,
    latest_results.call_id is not null as has_post_call_result,
    calls.first_error_at is not null as has_error,
    calls.recording_url,
    latest_transcripts.latest.transcript as latest_transcript,
    latest_results.latest.text as latest_result_text,
    latest_results.latest.json as latest_result_json,
from calls
left join counted using (call_id)
left join latest_transcripts using (call_id)
left join latest_results using (call_id)
