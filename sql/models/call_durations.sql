-- How long calls last: as the sender states it, or else from the receipt of "connected" to that of
-- "ended". Percentiles of days do not add up: for other spans ask call_summary.
-- grain: one day, direction, webhook, agent and outcome with calls
-- key: first_event_on, direction, webhook, agent, outcome
-- questions: How long are calls, the usual and the longest ones? Does it change?
select
    -- Day of the first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    coalesce(direction, 'unknown') as direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    coalesce(agent, 'unknown') as agent,
    -- One of human, no_human, did_not_connect, connected or unknown.
    outcome,
    -- Calls of any kind.
    count(*) as call_count,
    -- Calls with a duration: all figures below are of these.
    count(duration_seconds) as timed_call_count,
    -- Those of them whose duration the sender states.
    count(*) filter (duration_source = 'stated') as stated_duration_call_count,
    -- Mean duration.
    avg(duration_seconds) as mean_duration_seconds,
    -- Half of the calls are shorter.
    quantile_cont(duration_seconds, 0.5) as p50_duration_seconds,
    -- 95 of 100 calls are shorter.
    quantile_cont(duration_seconds, 0.95) as p95_duration_seconds,
    -- The longest.
    max(duration_seconds) as max_duration_seconds,
    -- All of them together.
    sum(duration_seconds) as total_duration_seconds,
from analytics.call_summary
group by all
