-- How many minutes were talked, what they cost, and how they are known, by the day of the call's
-- first event. All figures add up over days, directions, webhooks and agents.
-- grain: one day, direction, webhook and agent with calls
-- key: first_event_on, direction, webhook, agent
-- questions: How many minutes a day? What do they cost? Which agent uses most of them? How many of
--   them does the sender state, and how many are taken from the receipts?
with

calls as (
    select
        *,
        outcome in ('human', 'no_human', 'connected') as is_connected,
    from analytics.call_summary
)

select
    -- Day of the first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    coalesce(direction, 'unknown') as direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    coalesce(agent, 'unknown') as agent,
    -- Calls that connected, as reported or as somebody answered.
    count(*) filter (is_connected) as connected_count,
    -- Those of them without a duration: their minutes are not known, and in no figure below.
    count(*) filter (is_connected and duration_seconds is null) as untimed_connected_count,
    -- Calls with a duration: all figures below are of these.
    count(duration_seconds) as timed_call_count,
    -- Minutes of these calls: stated_minutes and receipt_minutes together; NULL without such a call.
    sum(duration_seconds) / 60 as talk_minutes,
    -- Minutes that the sender states.
    sum(duration_seconds) filter (duration_source = 'stated') / 60 as stated_minutes,
    -- Minutes from the receipt of "connected" to that of "ended", of calls for which none are stated.
    sum(duration_seconds) filter (duration_source = 'receipt') / 60 as receipt_minutes,
    -- Calls with a cost: those with a duration for which [cost_per_minute] names a price.
    count(cost) as priced_call_count,
    -- What these calls cost, in the currency of the prices; NULL without such a call.
    sum(cost) as cost,
from calls
group by all
