-- When to try again: second and later attempts to reach a number that nobody has answered yet, by
-- hour and weekday.
-- grain: one weekday, hour, webhook and agent with such attempts
-- key: weekday, hour, webhook, agent
-- questions: When is it best to call somebody again who did not answer?
with

counted as (
    select
        first_event_weekday as weekday,
        first_event_hour as hour,
        webhook,
        coalesce(agent, 'unknown') as agent,
        count(*) as attempt_count,
        count(is_answered) as known_count,
        count(*) filter (is_answered) as answered_count,
    from analytics.call_attempts
    where attempt_number > 1
    group by all
)

select
    -- 1 for Monday to 7 for Sunday, in time_zone of the settings.
    weekday,
    -- 0 to 23, in time_zone of the settings.
    hour,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Second and later attempts.
    attempt_count,
    -- Those of them of which it is known whether a human answered.
    known_count,
    -- Those of them that a human answered.
    answered_count,
    -- answered_count of known_count.
    answered_count / nullif(known_count, 0) as answered_rate,
from counted
