-- How each agent, each of your own numbers, and each webhook label performs: the same figures for
-- all three, so look at one dimension at a time.
-- grain: one agent, own number or webhook label, and direction
-- key: dimension, label, direction
-- questions: Which number is answered most? Which agent has most errors, or talks to most people?
with

calls as (
    select
        *,
        coalesce(direction, 'unknown') as known_direction,
        outcome in ('human', 'no_human', 'connected') as is_connected,
    from analytics.call_summary
),

counted as (
    select
        -- DuckDB 2 writes an `if` down as a function that DuckDB 1.5 does not know.
        case
            when grouping(webhook) = 0 then 'webhook'
            when grouping(agent) = 0 then 'agent'
            else 'own_number'
        end as dimension,
        coalesce(
            case
                when grouping(webhook) = 0 then webhook
                when grouping(agent) = 0 then agent
                else own_number
            end,
            'unknown'
        ) as label,
        known_direction as direction,
        count(*) as call_count,
        count(*) filter (is_connected) as connected_count,
        count(*) filter (outcome = 'did_not_connect') as did_not_connect_count,
        count(*) filter (outcome = 'human') as human_count,
        count(*) filter (outcome = 'no_human') as no_human_count,
        count(*) filter (outcome = 'human' and is_engaged) as engaged_count,
        count(*) filter (outcome = 'human' and is_engaged is not null) as human_with_turns_count,
        count(*) filter (has_error) as error_call_count,
        median(duration_seconds) as median_duration_seconds,
        min(first_event_at) as first_call_at,
        max(first_event_at) as last_call_at,
    from calls
    group by grouping sets (
        (webhook, known_direction), (agent, known_direction), (own_number, known_direction)
    )
)

select
    -- One of agent, own_number or webhook.
    dimension,
    -- The agent's name, the number or the webhook's label; unknown where there is none.
    label,
    -- One of outbound, inbound or unknown.
    direction,
    -- Calls of any kind.
    call_count,
    -- Calls that connected, as reported or as somebody answered.
    connected_count,
    -- Calls that did not connect.
    did_not_connect_count,
    -- Calls that a human answered.
    human_count,
    -- Calls that no human answered: voicemail.
    no_human_count,
    -- Calls whose human spoke more than three times.
    engaged_count,
    -- Calls that a human answered and whose human turns are known.
    human_with_turns_count,
    -- Calls with an error.
    error_call_count,
    -- connected_count of connected_count + did_not_connect_count.
    connected_count / nullif(connected_count + did_not_connect_count, 0) as connection_rate,
    -- human_count of human_count + no_human_count + did_not_connect_count: calls of which it is known.
    human_count / nullif(human_count + no_human_count + did_not_connect_count, 0)
        as human_rate_of_calls,
    -- engaged_count of human_with_turns_count.
    engaged_count / nullif(human_with_turns_count, 0) as engaged_rate,
    -- error_call_count of call_count.
    error_call_count / nullif(call_count, 0) as error_call_rate,
    -- Median duration, of calls that have one: stated, or between the receipts of start and end.
    median_duration_seconds,
    -- First event of the first call.
    first_call_at,
    -- First event of the last call.
    last_call_at,
from counted
