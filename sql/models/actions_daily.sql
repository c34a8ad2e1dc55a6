-- Which actions the bot uses, and which fail, by the day of the report's receipt.
-- grain: one day, agent and type of action
-- key: received_on, agent, action_type
-- questions: Which actions are used? Which fail, how often, and in how many calls?
with

-- What knows time zones takes ten times as long, so it is asked once a quarter of an hour.
quarter_hours as (
    select distinct epoch_us(received_at) // 900_000_000 as quarter_hour
    from fluents.actions
),

days as (
    select
        quarter_hour,
        (make_timestamptz(quarter_hour * 900_000_000) at time zone getvariable('time_zone'))::date
            as received_on,
    from quarter_hours
),

by_call as (
    select
        days.received_on,
        coalesce(actions.action_type, 'unknown') as action_type,
        actions.call_id,
        count(*) filter (phase = 'start') as started_count,
        count(*) filter (phase = 'finish') as finished_count,
        count(*) filter (phase = 'finish' and is_success) as succeeded_count,
        count(*) filter (phase = 'finish' and not is_success) as failed_count,
    from fluents.actions as actions
    inner join days on days.quarter_hour = epoch_us(actions.received_at) // 900_000_000
    group by all
),

counted as (
    select
        by_call.received_on,
        coalesce(calls.agent, 'unknown') as agent,
        by_call.action_type,
        sum(started_count)::bigint as started_count,
        sum(finished_count)::bigint as finished_count,
        sum(succeeded_count)::bigint as succeeded_count,
        sum(failed_count)::bigint as failed_count,
        count(*) as call_count,
        count(*) filter (failed_count > 0) as failed_call_count,
    from by_call
    left join analytics.call_summary as calls using (call_id)
    group by all
)

select
    -- Day on which the reports were received, in time_zone of the settings.
    received_on,
    -- Name of the call's agent; unknown where [agents] of the settings gives none.
    agent,
    -- What kind of action, or else its name; unknown where no report says.
    action_type,
    -- Reports that an action started.
    started_count,
    -- Reports that an action finished: those that succeeded, that failed, and the unknown ones.
    finished_count,
    -- Finished actions that are said to have succeeded.
    succeeded_count,
    -- Finished actions that are said to have failed, by an error, an HTTP status or success: false.
    failed_count,
    -- Finished actions of which nothing says whether they succeeded.
    finished_count - succeeded_count - failed_count as unknown_count,
    -- Finished actions of which it is known: succeeded_count and failed_count together.
    succeeded_count + failed_count as known_count,
    -- failed_count of known_count.
    failed_count / nullif(known_count, 0) as failed_rate,
    -- Calls with such an action.
    call_count,
    -- Calls in which one failed.
    failed_call_count,
    -- failed_call_count of call_count.
    failed_call_count / nullif(call_count, 0) as failed_call_rate,
from counted
