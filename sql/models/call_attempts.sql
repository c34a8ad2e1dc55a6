-- Each attempt to reach somebody: the calls to a number, up to the first that a human answered.
-- Calls to it after that are no attempts. Withheld numbers are left out.
-- grain: one outbound call up to the first answered one
-- key: call_id
-- questions: Which attempt was it? How long after the one before? Was it answered?
with

calls as (
    select
        *,
        row_number() over earlier as attempt_number,
        lag(first_event_at) over earlier as previous_attempt_at,
        count(*) filter (outcome = 'human') over (
            partition by contact_number
            order by first_event_at, call_id rows between unbounded preceding and 1 preceding
        ) as answers_before,
    from analytics.call_summary
    where direction = 'outbound' and contact_number is not null
    window earlier as (partition by contact_number order by first_event_at, call_id)
)

select
    -- The call, as Fluents names it.
    call_id,
    -- The number that was called.
    contact_number,
    -- Which attempt to reach the number it was, from 1.
    attempt_number,
    -- Day of the call's first event, in time_zone of the settings.
    first_event_on,
    -- Its weekday there: 1 for Monday to 7 for Sunday.
    first_event_weekday,
    -- Its hour there: 0 to 23.
    first_event_hour,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; NULL where [agents] of the settings gives none.
    agent,
    -- One of human, no_human, did_not_connect, connected or unknown.
    outcome,
    -- Whether a human answered; NULL where it is not known.
    case
        when outcome = 'human' then true
        when outcome in ('no_human', 'did_not_connect') then false
    end as is_answered,
    -- First event of the attempt before; NULL for the first.
    previous_attempt_at,
    -- First event of the call.
    first_event_at,
from calls
where answers_before = 0
