-- How long the bot takes to reply: how many replies took how long, by the day of the call's first
-- event. The counts add up over days, directions, webhooks and agents, which percentiles do not: of
-- any choice of rows, half of the replies took no longer than the least human_to_bot_seconds up to
-- which reply_count adds up to half of all.
-- grain: one response time of a day, direction, webhook and agent
-- key: first_event_on, direction, webhook, agent, human_to_bot_seconds
-- questions: How long do people wait for the bot, in any span of days? How many wait very long?
with

replies as (
    select
        calls.first_event_on,
        calls.direction,
        calls.webhook,
        calls.agent,
        unnest(conversations.human_to_bot_seconds) as seconds,
    from analytics.conversation_statistics as conversations
    inner join analytics.call_summary as calls using (call_id)
    where conversations.human_to_bot_count > 0
)

select
    -- Day of the call's first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    coalesce(direction, 'unknown') as direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    coalesce(agent, 'unknown') as agent,
    -- From the start of the human's turn to the start of the bot's, the human's talk included: to a
    -- tenth of a second below 10, to a second from there on.
    case when seconds < 10 then seconds else floor(seconds + 0.5) end as human_to_bot_seconds,
    -- Replies of the bot that took so long.
    count(*) as reply_count,
from replies
group by all
