-- Who comes back: the contacts of each week, by their first call, and how many of them had another
-- call in that week and in each week after it, up to that of the newest call. Withheld numbers are
-- left out. Counts add up over the contacts' first weeks, directions, webhooks and agents.
-- grain: one week after the week of the first calls, by direction, webhook and agent of the first call
-- key: first_week_on, direction, webhook, agent, weeks_later
-- questions: Which share of the contacts is in touch again after four weeks? Do they call, or are
--   they called?
with

calls as (
    select
        contact_number,
        first_event_on,
        first_event_on - (first_event_weekday - 1)::integer as week_on,
        direction,
        webhook,
        coalesce(agent, 'unknown') as agent,
        first_event_at,
    from analytics.call_summary
    where contact_number is not null
),

weeks as (
    select
        contact_number,
        week_on,
        count(*) filter (direction = 'inbound') as inbound_count,
        count(*) filter (direction = 'outbound') as outbound_count,
    from calls
    group by all
),

firsts as (
    select
        contact_number,
        min(
            {
                'at': first_event_at,
                'week_on': week_on,
                'direction': direction,
                'webhook': webhook,
                'agent': agent
            }
        ) as first_call,
    from calls
    group by contact_number
),

-- The first call itself is no call again.
again as (
    select
        weeks.week_on - firsts.first_call.week_on as days_later,
        firsts.first_call.week_on as first_week_on,
        firsts.first_call.direction as direction,
        firsts.first_call.webhook as webhook,
        firsts.first_call.agent as agent,
        weeks.inbound_count
        - (days_later = 0 and firsts.first_call.direction = 'inbound')::integer as inbound_count,
        weeks.outbound_count
        - (days_later = 0 and firsts.first_call.direction = 'outbound')::integer as outbound_count,
    from weeks
    inner join firsts using (contact_number)
),

counted as (
    select
        first_week_on,
        direction,
        webhook,
        agent,
        days_later // 7 as weeks_later,
        count(*) as contact_count,
        count(*) filter (inbound_count + outbound_count > 0) as again_count,
        count(*) filter (inbound_count > 0) as calling_count,
        count(*) filter (outbound_count > 0) as called_count,
    from again
    group by all
),

newest as (
    select max(first_event_on) as newest_on
    from analytics.call_summary
),

-- Every contact has a row in the week of its first call.
cohorts as (
    select
        counted.first_week_on,
        counted.direction,
        counted.webhook,
        counted.agent,
        counted.contact_count,
        newest.newest_on,
        unnest(range(0, (newest.newest_on - counted.first_week_on) // 7 + 1)) as weeks_later,
    from counted
    cross join newest
    where counted.weeks_later = 0
)

select
    -- Monday of the week of the first calls, in time_zone of the settings.
    cohorts.first_week_on,
    -- One of outbound or inbound: direction of the first call.
    cohorts.direction,
    -- Label of the webhook of the first call.
    cohorts.webhook,
    -- Name of the first call's agent; unknown where [agents] of the settings gives none.
    cohorts.agent,
    -- How many weeks after the week of the first call; 0 is that week itself.
    cohorts.weeks_later,
    -- Whether that week was over on the day of the newest call.
    cohorts.first_week_on + 7 * (cohorts.weeks_later + 1)::integer <= cohorts.newest_on as is_over,
    -- Contacts whose first call was in the week first_week_on.
    cohorts.contact_count,
    -- Those of them with a call in the later week, besides their first one.
    coalesce(counted.again_count, 0) as again_count,
    -- Those of them who called.
    coalesce(counted.calling_count, 0) as calling_count,
    -- Those of them who were called.
    coalesce(counted.called_count, 0) as called_count,
    -- again_count of contact_count.
    again_count / nullif(cohorts.contact_count, 0) as again_rate,
from cohorts
left join counted using (first_week_on, direction, webhook, agent, weeks_later)
