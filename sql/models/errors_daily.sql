-- Errors by type, agent and the day of their call's first event, so that shares of calls hold.
-- grain: one day, agent and type of error
-- key: first_event_on, agent, error_type
-- questions: Which errors are there? How many calls do they affect? Since when?
with

calls as (
    select
        call_id,
        first_event_on,
        coalesce(agent, 'unknown') as agent,
    from analytics.call_summary
),

calls_counted as (
    select first_event_on, agent, count(*) as call_count
    from calls
    group by all
),

errors as (
    select
        call_id,
        event_id,
        error_index,
        received_at,
        -- numbers in a message, such as ids and times, do not make another type
        coalesce(code, left(regexp_replace(message, '\d+', '#', 'g'), 80), 'unknown') as error_type,
        message,
    from fluents.errors
),

counted as (
    select
        first_event_on,
        agent,
        error_type,
        count(*) as error_count,
        count(distinct call_id) as affected_call_count,
        arg_max(message, {'at': received_at, 'event_id': event_id, 'place': -error_index})
            as latest_message,
        max(received_at) as last_error_at,
    from errors
    inner join calls using (call_id)
    group by all
)

select
    -- Day of the first event of the call, in time_zone of the settings.
    counted.first_event_on,
    -- Name of the call's agent; unknown where [agents] of the settings gives none.
    counted.agent,
    -- The error's code, or else its message with # for numbers; unknown where it has neither.
    error_type,
    -- Errors reported: an event that lists two has two.
    error_count,
    -- Calls with such an error.
    affected_call_count,
    -- All calls of the day and agent, also those without such an error.
    call_count,
    -- affected_call_count of call_count.
    affected_call_count / nullif(call_count, 0) as affected_call_rate,
    -- What the last of them says; of those of one event, the first.
    latest_message,
    -- Receipt of the last of them.
    last_error_at,
from counted
inner join calls_counted
    -- a call that is too large to be summed up has no day
    on counted.first_event_on is not distinct from calls_counted.first_event_on
    and counted.agent = calls_counted.agent
