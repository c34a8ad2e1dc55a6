-- A percentile of a day is the one that the response times of the day add up to.
with

added_up as (
    select
        *,
        sum(reply_count) over (
            partition by first_event_on, direction, webhook, agent order by human_to_bot_seconds
        ) as up_to_it,
        sum(reply_count) over (partition by first_event_on, direction, webhook, agent) as of_all,
    from analytics.response_times_daily
),

percentiles as (
    select
        first_event_on,
        direction,
        webhook,
        agent,
        any_value(of_all) as reply_count,
        min(human_to_bot_seconds) filter (up_to_it >= 0.5 * of_all) as p50,
        min(human_to_bot_seconds) filter (up_to_it >= 0.9 * of_all) as p90,
        min(human_to_bot_seconds) filter (up_to_it >= 0.95 * of_all) as p95,
    from added_up
    group by all
)

select *
from analytics.conversations_daily as days
full join percentiles using (first_event_on, direction, webhook, agent)
where coalesce(days.reply_count, 0) <> coalesce(percentiles.reply_count, 0)
    or p50_human_to_bot_seconds is distinct from p50
    or p90_human_to_bot_seconds is distinct from p90
    or p95_human_to_bot_seconds is distinct from p95
