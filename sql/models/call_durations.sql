-- How long calls last, by the receipt of their reports: from "connected" to "ended". Percentiles
-- of days do not add up: for other spans ask call_summary.
-- grain: one day, direction, webhook and outcome with calls
-- key: first_event_on, direction, webhook, outcome
-- questions: How long are calls, the usual and the longest ones? Does it change?
with

calls as (select * from analytics.call_summary)

select
    -- UTC day of the first event.
    cast(first_event_at at time zone 'UTC' as date) as first_event_on,
    -- outbound, inbound or unknown.
    coalesce(direction, 'unknown') as direction,
    -- Label of the webhook.
    webhook,
    -- human, no_human, did_not_connect, connected or unknown.
    outcome,
    -- Calls of any kind.
    count(*) as call_count,
    -- Calls whose start and end were both reported, in order: all figures below are of these.
    count(receipt_duration_seconds) as timed_call_count,
    -- Mean duration.
    avg(receipt_duration_seconds) as mean_receipt_duration_seconds,
    -- Half of the calls are shorter.
    quantile_cont(receipt_duration_seconds, 0.5) as p50_receipt_duration_seconds,
    -- 95 of 100 calls are shorter.
    quantile_cont(receipt_duration_seconds, 0.95) as p95_receipt_duration_seconds,
    -- The longest.
    max(receipt_duration_seconds) as max_receipt_duration_seconds,
    -- All of them together.
    sum(receipt_duration_seconds) as total_receipt_duration_seconds,
from calls
group by all
