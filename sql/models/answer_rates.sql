-- Who answers when: calls by hour and weekday of their first event, in UTC.
-- grain: one weekday, hour, direction and webhook with calls
-- key: weekday, hour, direction, webhook
-- questions: When do people answer? When does voicemail? When is it best to call?
with

-- In hours since 1970: what knows time zones takes ten times as long.
calls as (
    select
        epoch_us(first_event_at) // 3_600_000_000 as hour_number,
        coalesce(direction, 'unknown') as direction,
        webhook,
        outcome,
    from analytics.call_summary
),

counted as (
    select
        (hour_number // 24 + 3) % 7 + 1 as weekday,  -- the first day of 1970 was a Thursday
        hour_number % 24 as hour,
        direction,
        webhook,
        count(*) as call_count,
        count(*) filter (outcome = 'human') as human_count,
        count(*) filter (outcome = 'no_human') as no_human_count,
        count(*) filter (outcome = 'did_not_connect') as did_not_connect_count,
    from calls
    group by all
)

select
    -- 1 for Monday to 7 for Sunday, in UTC.
    weekday,
    -- 0 to 23, in UTC.
    hour,
    -- outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
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
