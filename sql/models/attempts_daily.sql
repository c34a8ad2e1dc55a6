-- Which attempt reaches people: attempts to reach a number by their place, up to the first that a
-- human answered, by the day of the attempt. All counts add up.
-- grain: one place of the attempts of a day, webhook and agent
-- key: first_event_on, webhook, agent, attempt_number
-- questions: How many attempts does it take until somebody answers? Is a fourth one worth it?
with

counted as (
    select
        first_event_on,
        webhook,
        coalesce(agent, 'unknown') as agent,
        attempt_number,
        count(*) as attempt_count,
        count(is_answered) as known_count,
        count(*) filter (is_answered) as answered_count,
    from analytics.call_attempts
    group by all
)

select
    -- Day of the attempt, in time_zone of the settings.
    first_event_on,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Which attempt to reach a number it was, from 1.
    attempt_number,
    -- Numbers that nobody had answered before, and that were called for the attempt_number-th time.
    attempt_count,
    -- Those of them of which it is known whether a human answered.
    known_count,
    -- Those of them that a human answered.
    answered_count,
    -- answered_count of known_count.
    answered_count / nullif(known_count, 0) as answered_rate,
from counted
