-- Calls by day, direction, webhook and agent. A call belongs to the day of its first event.
-- grain: one day, direction, webhook and agent with calls
-- key: first_event_on, direction, webhook, agent
-- questions: How many calls a day? How many connected, reached a human, failed? Which share?
with

calls as (
    select
        *,
        outcome in ('human', 'no_human', 'connected') as is_connected,
    from analytics.call_summary
),

counted as (
    select
        first_event_on,
        coalesce(direction, 'unknown') as direction,
        webhook,
        coalesce(agent, 'unknown') as agent,
        count(*) as call_count,
        count(*) filter (is_connected) as connected_count,
        count(*) filter (outcome = 'did_not_connect') as did_not_connect_count,
        count(*) filter (outcome = 'human') as human_count,
        count(*) filter (outcome = 'human' and is_outcome_inferred) as inferred_human_count,
        count(*) filter (outcome = 'no_human') as no_human_count,
        count(*) filter (outcome = 'unknown') as unknown_outcome_count,
        count(*) filter (outcome = 'human' and is_engaged) as engaged_count,
        count(*) filter (outcome = 'human' and is_engaged is not null) as human_with_turns_count,
        count(*) filter (is_connected and has_transfer) as transfer_count,
        count(*) filter (has_post_call_result) as post_call_result_count,
        count(*) filter (has_error) as error_call_count,
        count(duration_seconds) as timed_call_count,
        count(*) filter (duration_source = 'stated') as stated_duration_call_count,
        avg(duration_seconds) as mean_duration_seconds,
        median(duration_seconds) as median_duration_seconds,
    from calls
    group by all
)

select
    -- Day of the first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Calls of any kind.
    call_count,
    -- Calls that connected, as reported or as somebody answered.
    connected_count,
    -- Calls that did not connect.
    did_not_connect_count,
    -- Calls that a human answered, as detected or inferred from at least two human turns.
    human_count,
    -- Those of them that no detection says, but the transcript alone.
    inferred_human_count,
    -- Calls that no human answered: voicemail.
    no_human_count,
    -- Calls of which not even that is known.
    unknown_outcome_count,
    -- Calls whose human spoke more than three times.
    engaged_count,
    -- Calls that a human answered and whose human turns are known.
    human_with_turns_count,
    -- Connected calls with an action that transfers calls.
    transfer_count,
    -- Calls with a post-call result.
    post_call_result_count,
    -- Calls with an error.
    error_call_count,
    -- connected_count of connected_count + did_not_connect_count.
    connected_count / nullif(connected_count + did_not_connect_count, 0) as connection_rate,
    -- human_count of human_count + no_human_count: connected calls of which it is known who answered.
    human_count / nullif(human_count + no_human_count, 0) as human_rate_of_connected,
    -- engaged_count of human_with_turns_count.
    engaged_count / nullif(human_with_turns_count, 0) as engaged_rate,
    -- transfer_count of connected_count.
    transfer_count / nullif(connected_count, 0) as transfer_rate,
    -- error_call_count of call_count.
    error_call_count / nullif(call_count, 0) as error_call_rate,
    -- Calls with a duration: stated, or between the receipts of their start and end.
    timed_call_count,
    -- Those of them whose duration the sender states.
    stated_duration_call_count,
    -- The mean duration of timed_call_count calls.
    mean_duration_seconds,
    -- Their median duration; call_durations says more.
    median_duration_seconds,
from counted
