-- Who calls again: calls from numbers that had called before, by day. Calls from withheld numbers
-- are left out, as they may be anybody. All counts add up.
-- grain: one day, webhook and agent with calls from a known number
-- key: first_event_on, webhook, agent
-- questions: Which share of the callers calls again? How soon?
with

calls as (
    select
        first_event_on,
        webhook,
        coalesce(agent, 'unknown') as agent,
        epoch_us(first_event_at) - epoch_us(lag(first_event_at) over (
            partition by contact_number order by first_event_at, call_id
        )) as microseconds_since,
    from analytics.call_summary
    where direction = 'inbound' and contact_number is not null
),

counted as (
    select
        first_event_on,
        webhook,
        agent,
        count(*) as call_count,
        count(microseconds_since) as repeat_count,
        count(*) filter (microseconds_since < 86_400_000_000) as repeat_within_day_count,
        count(*) filter (microseconds_since < 7 * 86_400_000_000) as repeat_within_week_count,
    from calls
    group by all
)

select
    -- Day of the call's first event, in time_zone of the settings.
    first_event_on,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Calls from a known number.
    call_count,
    -- Those of them from a number that had called before, as far as the warehouse goes back.
    repeat_count,
    -- repeat_count of call_count.
    repeat_count / nullif(call_count, 0) as repeat_rate,
    -- Calls from a number that had called in the 24 hours before.
    repeat_within_day_count,
    -- repeat_within_day_count of call_count.
    repeat_within_day_count / nullif(call_count, 0) as repeat_within_day_rate,
    -- Calls from a number that had called in the 7 days before.
    repeat_within_week_count,
    -- repeat_within_week_count of call_count.
    repeat_within_week_count / nullif(call_count, 0) as repeat_within_week_rate,
from counted
