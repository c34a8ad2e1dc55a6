-- Transfers by the day of their call's first event, and what became of them.
-- grain: one day, direction, webhook, agent and target with transfers
-- key: first_event_on, direction, webhook, agent, target
-- questions: How many transfers are asked for, to whom? Which share succeeds? How long do calls last
--   after it?
with

counted as (
    select
        first_event_on,
        coalesce(direction, 'unknown') as direction,
        webhook,
        coalesce(agent, 'unknown') as agent,
        coalesce(target, 'unknown') as target,
        count(*) as transfer_count,
        count(distinct call_id) as call_count,
        count(*) filter (is_successful) as succeeded_count,
        count(*) filter (not is_successful) as failed_count,
        count(is_reported_success) as reported_count,
        count(*) filter (is_reported_success) as reported_success_count,
        count(transcript_result) as told_count,
        count(*) filter (transcript_result = 'joined') as joined_count,
        count(seconds_to_end) as timed_count,
        sum(seconds_to_end) as total_seconds_to_end,
    from analytics.transfers
    group by all
)

select
    -- Day of the call's first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Whom the calls were to be transferred to; unknown where nothing says.
    target,
    -- Transfers.
    transfer_count,
    -- Calls with such a transfer.
    call_count,
    -- Transfers that succeeded, as transcripts say, or else the action's report.
    succeeded_count,
    -- Transfers that did not.
    failed_count,
    -- Transfers of which nothing says whether they succeeded.
    transfer_count - succeeded_count - failed_count as unknown_count,
    -- Transfers of which it is known: succeeded_count and failed_count together.
    succeeded_count + failed_count as known_count,
    -- succeeded_count of known_count.
    succeeded_count / nullif(known_count, 0) as succeeded_rate,
    -- Transfers of which the action's report says whether it succeeded.
    reported_count,
    -- Those of them whose action succeeded.
    reported_success_count,
    -- reported_success_count of reported_count.
    reported_success_count / nullif(reported_count, 0) as reported_success_rate,
    -- Transfers of which transcripts say whether anybody joined.
    told_count,
    -- Those of them that somebody joined.
    joined_count,
    -- joined_count of told_count.
    joined_count / nullif(told_count, 0) as joined_rate,
    -- Transfers after which the end of the call was reported.
    timed_count,
    -- From the first report of the transfer to the end of the call, all timed_count together.
    total_seconds_to_end,
    -- The mean of them.
    total_seconds_to_end / nullif(timed_count, 0) as mean_seconds_to_end,
from counted
