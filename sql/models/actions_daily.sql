-- Which actions the bot uses, and which fail, by the UTC day of the report's receipt.
-- grain: one day and type of action
-- key: received_on, action_type
-- questions: Which actions are used? Which fail, how often, and in how many calls?
with

reports as (
    select
        call_id,
        epoch_us(received_at) // 86_400_000_000 as day_number,
        coalesce(
            action_type, input ->> '$.action_config.type', output ->> '$.action_type', 'unknown'
        ) as action_type,
        phase,
        case
            when phase = 'finish' and output is not null
            then json_extract_string(output, ['$.error', '$.http_status_code', '$.success'])
        end as said,
    from fluents.actions
),

-- What the output says of itself: an error, a status of HTTP, or that it did not succeed.
judged as (
    select
        call_id,
        day_number,
        action_type,
        phase,
        case
            when said is not null
            then
                coalesce(said[1], '') not in ('', 'null', 'false')
                or coalesce(try_cast(said[2] as integer) >= 400, false)
                or coalesce(said[3], '') = 'false'
        end as is_failed,
    from reports
),

by_call as (
    select
        day_number,
        action_type,
        call_id,
        count(*) filter (phase = 'start') as start_count,
        count(*) filter (phase = 'finish') as finish_count,
        count(is_failed) as judged_count,
        count(*) filter (is_failed) as failed_count,
    from judged
    group by all
),

counted as (
    select
        date '1970-01-01' + day_number::integer as received_on,
        action_type,
        sum(start_count)::bigint as start_count,
        sum(finish_count)::bigint as finish_count,
        sum(judged_count)::bigint as judged_count,
        sum(failed_count)::bigint as failed_count,
        count(*) as call_count,
        count(*) filter (failed_count > 0) as failed_call_count,
    from by_call
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
