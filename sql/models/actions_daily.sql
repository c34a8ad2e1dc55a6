-- Which actions the bot uses, and which fail, by the UTC day of the report's receipt.
-- grain: one day and type of action
-- key: received_on, action_type
-- questions: Which actions are used? Which fail, how often, and in how many calls?
with

by_call as (
    select
        epoch_us(received_at) // 86_400_000_000 as day_number,
        coalesce(action_type, 'unknown') as action_type,
        call_id,
        count(*) filter (phase = 'start') as started_count,
        count(*) filter (phase = 'finish') as finished_count,
        count(*) filter (phase = 'finish' and is_success) as succeeded_count,
        count(*) filter (phase = 'finish' and not is_success) as failed_count,
    from fluents.actions
    group by all
),

counted as (
    select
        date '1970-01-01' + day_number::integer as received_on,
        action_type,
        sum(started_count)::bigint as started_count,
        sum(finished_count)::bigint as finished_count,
        sum(succeeded_count)::bigint as succeeded_count,
        sum(failed_count)::bigint as failed_count,
        count(*) as call_count,
        count(*) filter (failed_count > 0) as failed_call_count,
    from by_call
    group by all
)

select
    -- UTC day on which the reports were received.
    received_on,
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
