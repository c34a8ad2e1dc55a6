-- Each transfer that the bot asked for: when, to whom, whether it succeeded, and what came after.
-- Reports of its start and its finish are one transfer. A number that transcripts say was to join a
-- call, and that no report names, is one too.
-- grain: one transfer
-- key: call_id, transfer_index
-- materialized: table
-- needs: (
--   select call_id from fluents.actions where action_type ilike '%transfer%'
--   union all
--   select call_id from fluents.conference_events where role = 'transfer'
--   )
-- time: first_event_at
-- questions: Who was the caller to be transferred to? Did it succeed? What happened after?
with

said as (
    select
        *,
        phase is not distinct from 'finish' as is_finish,
        list_filter(
            list_transform(
                list_concat(
                    json_extract(input, getvariable('transfer_target_paths')),
                    json_extract(payload, getvariable('transfer_target_paths'))
                ),
                lambda value:
                    case
                        when json_type(value) in ('VARCHAR', 'BIGINT', 'UBIGINT')
                        then nullif(trim(value ->> '$'), '')
                    end
            ),
            lambda number: number is not null
        )[1] as stated_target,
    from fluents.actions
    where action_type ilike '%transfer%'
),

-- A report that names nobody is of the transfer before it, or else of that behind it.
named as (
    select
        *,
        coalesce(
            last_value(stated_target ignore nulls) over up_to_it,
            first_value(stated_target ignore nulls) over from_it
        ) as target,
    from said
    window
        up_to_it as (
            partition by call_id, action_id
            order by event_id rows between unbounded preceding and current row
        ),
        from_it as (
            partition by call_id, action_id
            order by event_id rows between current row and unbounded following
        )
),

-- The second start of an action, or else of one to the same target, belongs to the second finish.
numbered as (
    select
        *,
        row_number() over (
            partition by call_id, action_id, target, is_finish order by event_id
        ) as nth,
    from named
),

asked as (
    select
        call_id,
        target,
        -- the last eight digits, as one number may be +49 89 12345678 here and 089 12345678 there
        coalesce(
            nullif(right(regexp_replace(target, '\D', '', 'g'), 8), ''), lower(target)
        ) as compared,
        min(event_id) as event_id,
        arg_min(action_type, event_id) as action_type,
        arg_min(action_name, event_id) as action_name,
        min(received_at) filter (not is_finish) as started_at,
        min(received_at) filter (is_finish) as finished_at,
        any_value(is_success) as is_reported_success,
        any_value(error) as error,
    from numbered
    group by call_id, action_id, target, nth
),

-- One that joined, in whichever transcript, counts more than all that did not.
told as (
    select
        call_id,
        coalesce(
            nullif(right(regexp_replace(number, '\D', '', 'g'), 8), ''), lower(number)
        ) as compared,
        min(number) as number,
        count(*) filter (kind in ('joined', 'left')) as joined_count,
        count(*) filter (kind in ('unanswered', 'voicemail', 'did_not_join')) as absent_count,
    from fluents.conference_events
    where role = 'transfer'
    group by all
),

-- What transcripts tell of a number is of the last transfer to it; where no transfer names the
-- number, of the last that names none, and what names no number of the last transfer.
matched as (
    select
        told.*,
        arg_max(
            asked.event_id,
            {'is_same': told.compared = asked.compared is true, 'event_id': asked.event_id}
        ) as event_id,
    from told
    left join asked
        on asked.call_id = told.call_id
        and (
            asked.compared = told.compared or asked.compared is null or told.compared is null
        )
    group by all
),

results as (
    select
        call_id,
        event_id,
        case when event_id is null then compared end as compared,
        min(number) as number,
        case
            when sum(joined_count) > 0 then 'joined'
            when sum(absent_count) > 0 then 'did_not_join'
        end as transcript_result,
    from matched
    group by all
),

found as (
    select
        asked.*,
        results.number,
        results.transcript_result,
    from asked
    left join results using (call_id, event_id)
    union all by name
    select
        call_id,
        number,
        transcript_result,
    from results
    where event_id is null
)

select
    -- The call, as Fluents names it.
    found.call_id,
    -- Place of the transfer among those of the call, from 1, in the order of receipt; those that
    -- only transcripts tell of come last.
    row_number() over (
        partition by found.call_id order by found.event_id nulls last, found.number
    ) as transfer_index,
    -- Day of the call's first event, in time_zone of the settings.
    calls.first_event_on,
    -- One of outbound or inbound; NULL where no event says.
    calls.direction,
    -- Label of the webhook.
    calls.webhook,
    -- Name of the agent; NULL where [agents] of the settings gives none.
    calls.agent,
    -- Whom the call was to be transferred to, as the action says, or else the transcript; NULL where
    -- neither does.
    coalesce(found.target, found.number) as target,
    -- What kind of action asked for it; NULL where only a transcript tells of it.
    found.action_type,
    -- What the action is called.
    found.action_name,
    -- The first report of it; NULL where only a transcript tells of it.
    found.event_id,
    -- Receipt of the report that it started.
    found.started_at,
    -- Receipt of the report that it finished.
    found.finished_at,
    -- Whether the action succeeded, as its report says: often no more than that it could dial.
    found.is_reported_success,
    -- What went wrong, as the report says.
    found.error,
    -- One of joined or did_not_join: whether the number joined the call, as transcripts say; NULL
    -- where none does. Of several transfers of a call to one number, the last has it.
    found.transcript_result,
    -- Whether it succeeded: as transcripts say, or else as the report does; NULL where neither does.
    case
        when found.transcript_result is not null then found.transcript_result = 'joined'
        else found.is_reported_success
    end as is_successful,
    -- One of transcript or action: what says so.
    case
        when found.transcript_result is not null then 'transcript'
        when found.is_reported_success is not null then 'action'
    end as success_source,
    -- Receipt of the report that the call ended.
    calls.ended_at,
    -- From the first report of the transfer to that of the end, by receipt; NULL unless both came,
    -- in order.
    case
        when calls.ended_at >= coalesce(found.started_at, found.finished_at)
        then
            (epoch_ms(calls.ended_at) - epoch_ms(coalesce(found.started_at, found.finished_at)))
            / 1000.0
    end as seconds_to_end,
    -- One of human, no_human, did_not_connect, connected or unknown: what became of the call.
    calls.outcome,
    -- The call's post-call result that came last, as its text says.
    calls.latest_result_text,
    -- Receipt of the call's first event.
    calls.first_event_at,
from found
left join analytics.call_summary as calls using (call_id)
