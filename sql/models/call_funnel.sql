-- How far calls come: attempted, connected, human, engaged (more than three human turns),
-- post_call_done. A stage counts calls that reached it and all before; days can be added up.
-- grain: one stage of the calls of a day, direction, webhook and agent
-- key: first_event_on, direction, webhook, agent, stage
-- questions: Where do calls drop out? Which share of attempts becomes a talk that is analysed?
with

calls as (
    select
        first_event_on,
        coalesce(direction, 'unknown') as direction,
        webhook,
        coalesce(agent, 'unknown') as agent,
        case
            when outcome in ('human', 'no_human', 'connected') then true
            when outcome = 'did_not_connect' then false
        end as is_connected,
        case when outcome = 'human' then true when outcome = 'no_human' then false end as is_human,
        is_engaged,
        has_post_call_result,
    from analytics.call_summary
),

counted as (
    select
        first_event_on,
        direction,
        webhook,
        agent,
        count(*) as attempted,
        count(*) filter (is_connected) as connected,
        count(*) filter (is_connected is null) as connected_unknown,
        count(*) filter (is_connected and is_human) as human,
        count(*) filter (is_connected and is_human is null) as human_unknown,
        count(*) filter (is_human and is_engaged) as engaged,
        count(*) filter (is_human and is_engaged is null) as engaged_unknown,
        count(*) filter (is_human and is_engaged and has_post_call_result) as post_call_done,
    from calls
    group by all
),

stages as (
    select
        first_event_on,
        direction,
        webhook,
        agent,
        attempted,
        unnest(
            [
                {'n': 1, 'stage': 'attempted', 'before': attempted, 'reached': attempted, 'unknown': 0},
                {
                    'n': 2, 'stage': 'connected', 'before': attempted, 'reached': connected,
                    'unknown': connected_unknown
                },
                {
                    'n': 3, 'stage': 'human', 'before': connected, 'reached': human,
                    'unknown': human_unknown
                },
                {
                    'n': 4, 'stage': 'engaged', 'before': human, 'reached': engaged,
                    'unknown': engaged_unknown
                },
                {
                    'n': 5, 'stage': 'post_call_done', 'before': engaged,
                    'reached': post_call_done, 'unknown': 0
                }
            ],
            recursive := true
        ),
    from counted
)

select
    -- Day of the first event, in time_zone of the settings.
    first_event_on,
    -- One of outbound, inbound or unknown.
    direction,
    -- Label of the webhook.
    webhook,
    -- Name of the agent; unknown where [agents] of the settings gives none.
    agent,
    -- Place of the stage in the funnel, from 1.
    n as stage_number,
    -- One of attempted, connected, human, engaged or post_call_done.
    stage,
    -- Calls that reached the stage and all before it.
    reached as call_count,
    -- Calls that reached the stage before, and of which nothing says whether they reached this one.
    unknown as unknown_count,
    -- Calls that reached the stage before, without the unknown ones.
    before - unknown as candidate_count,
    -- call_count of candidate_count.
    reached / nullif(before - unknown, 0) as conversion_rate,
    -- All calls, without those unknown here or at a stage before.
    (attempted - sum(unknown) over up_to_here)::bigint as known_count,
    -- call_count of known_count.
    reached / nullif(attempted - sum(unknown) over up_to_here, 0) as attempted_rate,
from stages
window up_to_here as (partition by first_event_on, direction, webhook, agent order by n)
