-- What became of all calls with one number on the other side. Withheld numbers are left out, as
-- they may be anybody; so are calls whose direction is unknown.
-- grain: one number on the other side
-- key: contact_number
-- questions: Who calls again? How many attempts until somebody answers? Who never answers?
with

calls as (
    select
        contact_number,
        direction,
        outcome,
        first_event_at,
        min(first_event_at) filter (direction = 'outbound' and outcome = 'human') over (
            partition by contact_number
        ) as first_answer_at,
    from analytics.call_summary
    where contact_number is not null
)

select
    -- The number on the other side.
    contact_number,
    -- Calls with it, in both directions.
    count(*) as call_count,
    -- Calls from it.
    count(*) filter (direction = 'inbound') as inbound_count,
    -- Calls to it.
    count(*) filter (direction = 'outbound') as outbound_count,
    -- Whether it called more than once.
    count(*) filter (direction = 'inbound') > 1 as is_repeat_caller,
    -- Calls to it that a human answered.
    count(*) filter (direction = 'outbound' and outcome = 'human') as answered_count,
    -- Calls to it that voicemail answered.
    count(*) filter (direction = 'outbound' and outcome = 'no_human') as voicemail_count,
    -- Calls to it of which it is known who answered, or that nobody did.
    count(*) filter (
        direction = 'outbound' and outcome in ('human', 'no_human', 'did_not_connect')
    ) as known_count,
    -- answered_count of known_count.
    answered_count / nullif(known_count, 0) as human_rate_of_calls,
    -- Calls to it up to the first that a human answered; NULL where none was.
    case
        when any_value(first_answer_at) is not null
        then count(*) filter (direction = 'outbound' and first_event_at <= first_answer_at)
    end as attempts_to_first_answer,
    -- First event of the first call that a human answered.
    any_value(first_answer_at) as first_answer_at,
    -- First event of the first call.
    min(first_event_at) as first_call_at,
    -- First event of the last call.
    max(first_event_at) as last_call_at,
    -- What became of the last call.
    arg_max(outcome, first_event_at) as last_outcome,
from calls
group by contact_number
