-- Which actions the bot uses, and which fail, by the UTC day of the report's receipt.
-- grain: one day and type of action
-- key: received_on, action_type
-- questions: Which actions are used? Which fail, how often, and in how many calls?
with

reports as (
    select
        call_id,
        cast(received_at at time zone 'UTC' as date) as received_on,
        coalesce(
            action_type, input ->> '$.action_config.type', output ->> '$.action_type', 'unknown'
        ) as action_type,
        phase,
        if(json_type(output) = 'OBJECT', output, null) as output,
        output is not null as has_output,
    from fluents.actions
),

-- What the output says of itself: an error, a status of HTTP, or that it did not succeed.
judged as (
    select
        *,
        case
            when phase is distinct from 'finish' or not has_output then null
            else
                coalesce(output ->> '$.error', '') not in ('', 'null', 'false')
                or coalesce(try_cast(output ->> '$.http_status_code' as integer) >= 400, false)
                or coalesce(output ->> '$.success', '') = 'false'
        end as is_failed,
    from reports
),

counted as (
    select
        received_on,
        action_type,
        count(*) filter (phase = 'start') as start_count,
        count(*) filter (phase = 'finish') as finish_count,
        count(is_failed) as judged_count,
        count(*) filter (is_failed) as failed_count,
        count(distinct call_id) as call_count,
        count(distinct if(is_failed, call_id, null)) as failed_call_count,
    from judged
    group by all
)

select
    -- UTC day on which the reports were received.
    received_on,
    -- What kind of action; unknown where no report says.
    action_type,
    -- Reports that an action started.
    start_count,
    -- Reports that an action finished.
    finish_count,
    -- Finished actions that came with an output, by which they are judged.
    judged_count,
    -- Those whose output has an error, an HTTP status of 400 or more, or success: false.
    failed_count,
    -- failed_count of judged_count.
    failed_count / nullif(judged_count, 0) as failed_rate,
    -- Calls with such an action.
    call_count,
    -- Calls in which one failed.
    failed_call_count,
    -- failed_call_count of call_count.
    failed_call_count / nullif(call_count, 0) as failed_call_rate,
from counted
