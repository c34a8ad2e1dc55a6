-- Who answers when: calls by hour and weekday of their first event, in time_zone of the settings.
-- grain: one weekday, hour, direction, webhook and agent with calls
-- key: weekday, hour, direction, webhook, agent
-- questions: When do people answer? When does voicemail? When is it best to call?
with

counted as (
    select
        first_event_weekday as weekday,
        first_event_hour as hour,
        coalesce(direction, 'unknown') as direction,
        webhook,
        coalesce(agent, 'unknown') as agent,
        count(*) as call_count,
        count(*) filter (outcome = 'human') as human_count,
        count(*) filter (outcome = 'no_human') as no_human_count,
        count(*) filter (outcome = 'did_not_connect') as did_not_connect_count,
    from analytics.call_summary
    group by all
)

select
    -- 1 for Monday to 7 for Sunday, in time_zone of the settings.
    weekday,
    -- 0 to 23, in that time zone.
    hour,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Calls of any kind.
    call_count,
    -- Calls that a human answered.
    human_count,
    -- Calls that no human answered: voicemail.
    no_human_count,
    -- Calls that did not connect.
    did_not_connect_count,
    -- Calls of which it is known who answered, or that nobody did.
    human_count + no_human_count + did_not_connect_count as known_count,
    -- human_count of known_count.
    human_count / nullif(known_count, 0) as human_rate_of_calls,
    -- no_human_count of known_count.
    no_human_count / nullif(known_count, 0) as voicemail_rate,
from counted
