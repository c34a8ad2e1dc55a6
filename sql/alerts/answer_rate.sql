-- Far fewer calls are answered by a human than before: of those of which it is known who answered,
-- or that nobody did. The last day is compared with the same stretch of the week in each of the
-- weeks before it, as people answer by hour and weekday. The share of the former rate that the limit
-- says must be missing. And as small numbers prove little, both rates get the benefit of the doubt:
-- the upper end of the recent rate's Wilson score interval must be below the lower end of the former
-- rate's, which chance alone brings about less than once in a hundred times. With fewer known calls
-- than a least number, in either, nothing is said. Calls of the last hour are left out: of some of
-- them it is not known yet who answers.
-- severity: warning
-- says: {human_rate} of the {direction} calls of {whom} were answered by a human in {hours} hours:
--   {human_count} of {known_count} known. In the same hours of the weeks before it was
--   {former_human_rate}.
-- link: docs/alerts.md#answer_rate
-- limits: answer_rate = 0.25 (0 to 1): share of the former rate that may be missing;
--   answer_rate_hours = 24 (1 to 168): hours that are looked at;
--   answer_rate_weeks = 4 (1 to 26): weeks before it that they are compared with;
--   answer_rate_calls = 50 (1 to 1000000): with fewer calls of known outcome nothing is said
-- grain: one agent of [agents], or webhook where none is named, and direction, whose rate has fallen
-- key: whom, direction
-- questions: Do fewer people answer than before?
with

weeks as (select unnest(range(0, getvariable('answer_rate_weeks')::bigint + 1)) as weeks_before),

-- In local time, as people answer by the clock.
stretches as (
    select
        weeks_before,
        (
            ((getvariable('now') - interval 1 hour) at time zone getvariable('time_zone'))
            - to_weeks(weeks_before::integer)
        ) at time zone getvariable('time_zone') as ended_at,
        ended_at - to_seconds(getvariable('answer_rate_hours') * 3600) as began_at,
    from weeks
),

calls as (
    select
        coalesce('the agent ' || agent, 'the webhook ' || webhook) as whom,
        coalesce(direction, 'unknown') as direction,
        weeks_before = 0 as is_recent,
        outcome,
    from stretches
    inner join analytics.call_summary
        on call_summary.first_event_at > stretches.began_at
        and call_summary.first_event_at <= stretches.ended_at
    where outcome in ('human', 'no_human', 'did_not_connect')
),

counted as (
    select
        whom,
        direction,
        count(*) filter (is_recent) as known_count,
        count(*) filter (is_recent and outcome = 'human') as human_count,
        count(*) filter (not is_recent) as former_known_count,
        count(*) filter (not is_recent and outcome = 'human') as former_human_count,
    from calls
    group by all
),

-- 2.326 standard deviations leave one in a hundred beyond them.
bounded as (
    select
        *,
        human_count / known_count as human_rate,
        former_human_count / former_known_count as former_human_rate,
        2.326 as z,
        (
            human_count + z * z / 2 + z * sqrt(human_count * (1 - human_rate) + z * z / 4)
        ) / (known_count + z * z) as upper_rate,
        (
            former_human_count + z * z / 2
            - z * sqrt(former_human_count * (1 - former_human_rate) + z * z / 4)
        ) / (former_known_count + z * z) as former_lower_rate,
    from counted
    where
        known_count >= getvariable('answer_rate_calls')
        and former_known_count >= getvariable('answer_rate_calls')
)

select
    -- Whose calls: the agent, or else the webhook that got the first event.
    whom,
    -- outbound, inbound or unknown.
    direction,
    -- Calls of these hours of which it is known who answered, or that nobody did.
    known_count,
    -- Of these, calls that a human answered.
    human_count,
    -- human_count of known_count.
    human_rate,
    -- The same calls in the same hours of the weeks before.
    former_known_count,
    -- Of these, calls that a human answered.
    former_human_count,
    -- former_human_count of former_known_count.
    former_human_rate,
    -- The hours that were looked at: the setting answer_rate_hours.
    getvariable('answer_rate_hours') as hours,
from bounded
where
    human_rate < (1 - getvariable('answer_rate')) * former_human_rate
    and upper_rate < former_lower_rate
order by whom, direction
