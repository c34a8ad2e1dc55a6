-- Calls by day, direction and webhook. A call belongs to the UTC day of its first event.
-- grain: one day, direction and webhook with calls
-- key: first_event_on, direction, webhook
-- questions: How many calls a day? How many connected, reached a human, failed?
with

calls as (select * from analytics.call_summary)

select
    cast(first_event_at at time zone 'UTC' as date) as first_event_on,
    coalesce(direction, 'unknown') as direction,
    webhook,
    count(*) as call_count,
    count(*) filter (has_connected) as connected_count,
    count(*) filter (outcome = 'did_not_connect') as did_not_connect_count,
    count(*) filter (outcome = 'human') as human_count,
    count(*) filter (outcome = 'no_human') as no_human_count,
    count(*) filter (outcome = 'unknown') as unknown_outcome_count,
    count(*) filter (has_post_call_result) as post_call_result_count,
    count(*) filter (has_error) as error_call_count,
    count(receipt_duration_seconds) as timed_call_count,
    avg(receipt_duration_seconds) as mean_receipt_duration_seconds,
    median(receipt_duration_seconds) as median_receipt_duration_seconds,
from calls
group by all
