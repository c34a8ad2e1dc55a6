-- How long calls last: as the sender states it, or else from the receipt of "connected" to that of
-- "ended". Percentiles of days do not add up: for other spans ask call_summary.
-- grain: one day, direction, webhook and outcome with calls
-- key: first_event_on, direction, webhook, outcome
-- questions: How long are calls, the usual and the longest ones? Does it change?
with

-- By microseconds since 1970: what knows time zones takes ten times as long.
calls as (
    select
        *,
        date '1970-01-01' + (epoch_us(first_event_at) // 86_400_000_000)::integer as first_event_on,
    from analytics.call_summary
)

select
    -- UTC day of the first event.
    first_event_on,
    -- outbound, inbound or unknown.
    coalesce(direction, 'unknown') as direction,
    -- Label of the webhook.
    webhook,
    -- human, no_human, did_not_connect, connected or unknown.
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
from calls
group by all
