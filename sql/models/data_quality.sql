-- What is missing, late, refused or repeated: one row an issue, and how much it affects.
-- grain: one kind of issue
-- key: issue
-- questions: Can the figures be trusted? What does the sender or the network lose?
with

calls as (
    select
        count(*) as calls,
        count(*) filter (has_ended) as ended,
        count(*) filter (has_ended and outcome <> 'did_not_connect') as talks,
        count(*) filter (has_ended and outcome <> 'did_not_connect' and not has_transcript)
            as ended_without_transcript,
        count(*) filter (has_transcript) as transcribed,
        count(*) filter (has_transcript and not has_connected) as transcript_without_start,
        count(*) filter (has_transcript and human_turn_count is null) as transcript_without_speakers,
        count(*) filter (
            call_id in (select call_id from analytics.conversation_turns where is_doubtful)
        ) as transcript_in_doubt,
        count(*) filter (
            call_id in (select call_id from fluents.transcript_turns where turn_index > 10000)
        ) as transcript_too_long,
        count(*) filter (has_connected) as started,
        count(*) filter (has_connected and not has_ended) as start_without_end,
        count(*) filter (has_connected and has_ended) as timed,
        count(*) filter (ended_at < connected_at) as end_before_start,
        count(*) filter (last_event_at > ended_at + interval 1 hour) as late_events,
        count(*) filter (direction is null) as unknown_direction,
        count(*) filter (own_number is null) as unknown_own_number,
        count(*) filter (call_id in (select call_id from analytics.calls_not_computed))
            as calls_not_computed,
    from analytics.call_summary
),

results as (
    select
        count(*) as results,
        count(*) filter (result_json is null) as result_not_json,
    from fluents.post_call_results
),

types as (
    select type, count(*) as events, count(duplicate_of) as duplicates
    from fluents.events
    group by type
),

events as (
    select
        coalesce(sum(events), 0) as events,
        coalesce(sum(duplicates), 0) as duplicates,
        coalesce(sum(events) filter (
            type not in (
                'event_message', 'event_action', 'event_transcript', 'event_error',
                'event_recording', 'event_human_detection', 'event_phone_call_did_not_connect',
                'event_phone_call_connected', 'event_phone_call_ended',
                'event_post_call_processing_completed'
            )
        ), 0) as unknown_type,
    from types
),

-- what was refused and then stored after all is an event of the same id
stored_after_all as (
    select count(*) as stored
    from fluents.events
    semi join fluents.quarantine on quarantine.delivery_id = events.event_id
),

refused as (
    select (select count(*) from fluents.quarantine) - stored as refused
    from stored_after_all
),

held as (
    select buffer_id, min(position) as first, max(position) as last, count(*) as held
    from fluents.events
    group by buffer_id
    union all by name
    select buffer_id, min(position) as first, max(position) as last, count(*) as held
    from fluents.quarantine
    group by buffer_id
),

buffers as (
    select max(last) - min(first) + 1 as expected, sum(held) as held
    from held
    group by buffer_id
),

gaps as (
    select
        coalesce(sum(expected), 0)::bigint as expected,
        coalesce(sum(expected - held), 0)::bigint as missing,
    from buffers
),

issues as (
    select
        unnest(
            [
                ('ended_without_transcript', 'call', ended_without_transcript, talks,
                    'calls that connected and ended, without a transcript'),
                ('transcript_without_start', 'call', transcript_without_start, transcribed,
                    'calls with a transcript whose start was not reported'),
                ('transcript_without_speakers', 'call', transcript_without_speakers, transcribed,
                    'calls whose transcript names neither bot nor human'),
                ('transcript_in_doubt', 'call', transcript_in_doubt, transcribed,
                    'calls whose transcripts contradict each other in part: counted once'),
                ('transcript_too_long', 'call', transcript_too_long, transcribed,
                    'calls with a transcript of over 10,000 turns, of which the first 10,000 count'),
                ('start_without_end', 'call', start_without_end, started,
                    'calls that connected and whose end was not reported (yet)'),
                ('end_before_start', 'call', end_before_start, timed,
                    'calls whose end was received before their start: they have no receipt duration'),
                ('late_events', 'call', late_events, ended,
                    'calls with an event received over an hour after their end'),
                ('unknown_direction', 'call', unknown_direction, calls,
                    'calls of which no event says whether they are outbound'),
                ('unknown_own_number', 'call', unknown_own_number, calls,
                    'calls of which no event says your number'),
                ('calls_not_computed', 'call', calls_not_computed, calls,
                    'calls too large for a model, with NULL in place of its figures, or without its rows'),
                ('result_not_json', 'result', result_not_json, results,
                    'post-call results that are no JSON'),
                ('unknown_type', 'event', unknown_type, events,
                    'events of a type that Fluents does not document'),
                ('duplicate', 'delivery', duplicates, events + refused,
                    'deliveries that repeat an earlier one'),
                ('quarantined', 'delivery', refused, events + refused,
                    'deliveries refused and not stored since'),
                ('missing_position', 'delivery', missing, expected,
                    'positions of a buffer that the warehouse skips: this should be 0')
            ]::struct(issue varchar, unit varchar, affected bigint, examined bigint, meaning varchar)[],
            recursive := true
        ),
    from calls, results, events, refused, gaps
)

select
    -- The issue, such as ended_without_transcript.
    issue,
    -- One of call, result, event or delivery: what is counted.
    unit,
    -- How many have the issue.
    affected as affected_count,
    -- How many could have it, such as the calls that ended for ended_without_transcript.
    examined as examined_count,
    -- affected_count of examined_count.
    affected / nullif(examined, 0) as affected_rate,
    -- The issue in a sentence.
    meaning,
from issues
