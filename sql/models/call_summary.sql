-- One row a call, with what became of it: outcome, times, counts, and its latest transcript and
-- post-call result.
-- grain: one call
-- key: call_id
-- materialized: table
-- time: first_event_at
-- questions: What became of this call? How long did it last, by the receipt of its reports?
--   Did a human answer? What was said, and what did the analysis find?
with

calls as (
    select
        *,
        case is_outgoing when true then from_number when false then to_number end as own_number,
        case is_outgoing when true then to_number when false then from_number end as other_number,
        first_event_at at time zone getvariable('time_zone') as first_event_local,
    from fluents.calls
),

-- What follows has a row a call and no `where`: so DuckDB leaves out what a query does not use.
counted as (
    select
        call_id,
        count(*) filter (duplicate_of is null) as event_count,
        count(*) filter (duplicate_of is null and type = 'event_message') as message_count,
        count(*) filter (duplicate_of is null and type = 'event_action') as action_report_count,
        count(*) filter (
            duplicate_of is null and type in ('event_transcript', 'event_transcript_complete')
        ) as transcript_count,
        count(*) filter (
            duplicate_of is null and type = 'event_post_call_processing_completed'
        ) as post_call_result_count,
    from fluents.events
    group by call_id
),

errors as (
    select call_id, count(*) as error_count
    from fluents.errors
    group by call_id
),

conversations as (
    select call_id, turn_count, human_turn_count
    from analytics.conversation_statistics
),

transfers as (
    select
        call_id,
        bool_or(action_type ilike '%transfer%') as has_transfer,
    from fluents.actions
    group by call_id
),

-- One that joined, in whichever transcript, counts more than all that did not.
conferences as (
    select
        call_id,
        case
            when bool_or(kind in ('joined', 'left')) then 'joined'
            when bool_or(kind in ('unanswered', 'voicemail', 'did_not_join')) then 'did_not_join'
        end as transfer_result,
    from fluents.conference_events
    where role = 'transfer'
    group by call_id
),

-- A transcript of several utterances that tells it all is shown as it came; else the turns are.
conversation_texts as (
    select
        call_id,
        case
            when bool_and(is_whole) and min(event_id) = max(event_id) then max(event_id)
        end as whole_id,
        string_agg(
            case when speaker = 'unknown' then '' else upper(speaker) || ': ' end || text,
            chr(10)
            order by turn_index
        ) as joined,
    from analytics.conversation_turns
    where turn_index is not null
    group by call_id
),

transcripts as (
    select
        transcripts.call_id,
        bool_or(regexp_matches(transcripts.transcript, '\S')) as has_text,
        coalesce(
            any_value(transcripts.transcript) filter (
                transcripts.event_id = conversation_texts.whole_id
                and not json_valid(transcripts.transcript)  -- a list, or an object
            ),
            any_value(conversation_texts.joined),
            arg_max(transcripts.transcript, transcripts.event_id)
                filter (regexp_matches(transcripts.transcript, '\S'))
        ) as latest,
    from fluents.transcripts as transcripts
    left join conversation_texts using (call_id)
    group by transcripts.call_id
),

-- One event is chosen as the latest, so that all that is said of it belongs together.
results as (
    select
        call_id,
        bool_or(regexp_matches(result_text, '\S')) as has_text,
        arg_max({'text': result_text, 'json': result_json}, event_id)
            filter (regexp_matches(result_text, '\S')) as latest,
        arg_max(received_at, event_id) filter (result_json is not null) as json_received_at,
    from fluents.post_call_results
    group by call_id
)

select
    -- The call, as Fluents names it.
    calls.call_id,
    -- One of outbound or inbound; NULL where no event says.
    calls.direction,
    -- The caller's number.
    calls.from_number,
    -- The number that was called.
    calls.to_number,
    -- The number on your side: the caller's of outbound calls, the called one of inbound calls.
    calls.own_number,
    -- The number on the other side; NULL where it is withheld, also in telephony's words for it.
    case
        -- the digits spell ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE
        when not regexp_full_match(
            calls.other_number,
            '(?i)\s*(anonymous|restricted|blocked|private|unknown|unavailable'
            || '|\+?(266696687|7378742833|2562533|8656696|86282452253))?\s*'
        )
        then calls.other_number
    end as contact_number,
    -- Label of the webhook that got the first event.
    calls.webhook,
    -- The agent's name, as [agents] of the settings gives it to the own number or else to the
    -- webhook; NULL where it gives none.
    coalesce(
        getvariable('agents')[calls.own_number], getvariable('agents')[calls.webhook]
    ) as agent,
    -- One of ended, did_not_connect, in_progress, error or unknown, as the events say.
    calls.status,
    -- One of human, no_human, did_not_connect, connected or unknown. no_human is voicemail, and
    -- connected a call of which it is unknown who answered. Without a detection a call is human only
    -- if the transcript has at least two human turns: a single one may be the greeting of a voicemail.
    case
        when calls.status = 'did_not_connect' then 'did_not_connect'
        when calls.human_detection_result in ('human', 'no_human')
        then calls.human_detection_result
        when conversations.human_turn_count >= 2 then 'human'
        when calls.connected_at is not null or conversations.human_turn_count = 1 then 'connected'
        else 'unknown'
    end as outcome,
    -- Whether the outcome rests on the transcript alone; false where an event states it; NULL where
    -- the outcome is unknown.
    case
        when outcome = 'human' then calls.human_detection_result is distinct from 'human'
        when outcome = 'connected' then calls.connected_at is null
        when outcome <> 'unknown' then false
    end as is_outcome_inferred,
    -- Why it did not connect, such as busy.
    calls.did_not_connect_reason,
    -- Receipt of the first event of any type.
    calls.first_event_at,
    -- Its day in time_zone of the settings.
    calls.first_event_local::date as first_event_on,
    -- Its weekday there: 1 for Monday to 7 for Sunday.
    isodow(calls.first_event_local) as first_event_weekday,
    -- Its hour there: 0 to 23.
    hour(calls.first_event_local) as first_event_hour,
    -- Receipt of the last event of any type.
    calls.last_event_at,
    -- Receipt of the report that the call connected.
    calls.connected_at,
    -- Receipt of the report that the call ended.
    calls.ended_at,
    -- Between the receipts of the two, as Fluents states no time; NULL unless both came in order.
    case
        when calls.ended_at >= calls.connected_at
        then (epoch_us(calls.ended_at) - epoch_us(calls.connected_at)) / 1e6
    end as receipt_duration_seconds,
    -- Minutes of the conversation, as the report of the end states them; the sender often states 0.
    calls.stated_minutes,
    -- How long the call lasted: stated_minutes where that is above 0, or else between the receipts.
    case
        when calls.stated_minutes > 0 then calls.stated_minutes * 60
        else receipt_duration_seconds
    end as duration_seconds,
    -- One of stated or receipt: what duration_seconds is.
    case
        when calls.stated_minutes > 0 then 'stated'
        when receipt_duration_seconds is not null then 'receipt'
    end as duration_source,
    -- duration_seconds at the price of [cost_per_minute] for the agent, or else the direction, or
    -- else the default, for each second; NULL without a price or a duration.
    duration_seconds / 60 * coalesce(
        getvariable('cost_per_minute')[agent],
        getvariable('cost_per_minute')[calls.direction],
        getvariable('cost_per_minute')['default']
    ) as cost,
    -- Events of the call, without repeated deliveries.
    counted.event_count,
    -- Messages reported.
    counted.message_count,
    -- Reports of actions: a start and a finish are two.
    counted.action_report_count,
    -- Transcripts, or chunks of one.
    counted.transcript_count,
    -- Errors reported: an event that lists two has two.
    coalesce(errors.error_count, 0) as error_count,
    -- Post-call results.
    counted.post_call_result_count,
    -- Turns of the conversation; NULL without a transcript that has text.
    conversations.turn_count,
    -- Turns of the human; NULL where the transcript names no speaker too.
    conversations.human_turn_count,
    -- Whether the human spoke more than three times; NULL where that is not known.
    conversations.human_turn_count > 3 as is_engaged,
    -- Whether it was reported that the call connected.
    calls.connected_at is not null as has_connected,
    -- Whether it was reported that the call ended.
    calls.ended_at is not null as has_ended,
    -- Whether an action that transfers calls was reported, whatever came of it.
    coalesce(transfers.has_transfer, false) as has_transfer,
    -- One of joined or did_not_join: whether anybody joined the call by a transfer, as its
    -- transcripts say (fluents.conference_events); NULL where none does.
    conferences.transfer_result,
    -- Whether a transcript with text came.
    coalesce(transcripts.has_text, false) as has_transcript,
    -- Whether a recording was reported.
    calls.recording_at is not null as has_recording,
    -- Whether a post-call result with text came.
    coalesce(results.has_text, false) as has_post_call_result,
    -- Whether at least one error was reported.
    calls.first_error_at is not null as has_error,
    -- Where the audio is, as the last report with a URL says.
    calls.recording_url as latest_recording_url,
    -- The transcript as it came; of a call that came in chunks or parts the turns, one a line.
    transcripts.latest as latest_transcript,
    -- The post-call result that came last, as its text says.
    results.latest.text as latest_result_text,
    -- The same as JSON; NULL where it is no JSON.
    results.latest.json as latest_result_json,
    -- Day in time_zone of the settings on which the latest result that is JSON was received.
    (results.json_received_at at time zone getvariable('time_zone'))::date as json_result_on,
from calls
left join counted using (call_id)
left join errors using (call_id)
left join conversations using (call_id)
left join transfers using (call_id)
left join conferences using (call_id)
left join transcripts using (call_id)
left join results using (call_id)
