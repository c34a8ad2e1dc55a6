-- Too large a share of the calls that began in the last hours has an error. Small numbers prove
-- little: 3 of 20 calls may be chance. So what must exceed the limit is not the share itself but
-- the lower end of its Wilson score interval, which is below the share, and the more so the fewer
-- calls there are: a true share that is at the limit exceeds it by chance once in a hundred times.
-- And with fewer calls than a least number nothing is said.
-- severity: warning
-- says: {error_rate} of the calls of {whom} that began in the last {hours} hours had an error:
--   {error_call_count} of {call_count}. The limit is {limit_rate}.
-- link: docs/alerts.md#error_rate
-- limits: error_rate = 0.1 (0 to 1): share of calls that may have an error;
--   error_rate_hours = 3 (1 to 720): hours that are looked at;
--   error_rate_calls = 20 (1 to 1000000): with fewer calls nothing is said
-- grain: one agent of [agents], or webhook where none is named, with too many errors
-- key: whom
-- questions: Do more calls fail than should?
with

counted as (
    select
        coalesce('the agent ' || agent, 'the webhook ' || webhook) as whom,
        count(*) as call_count,
        count(*) filter (has_error) as error_call_count,
    from analytics.call_summary
    where
        first_event_at > getvariable('now') - to_seconds(getvariable('error_rate_hours') * 3600)
        and first_event_at <= getvariable('now')
    group by all
),

-- 2.326 standard deviations leave one in a hundred above them.
bounded as (
    select
        *,
        error_call_count / call_count as error_rate,
        2.326 as z,
        (
            error_call_count + z * z / 2
            - z * sqrt(error_call_count * (1 - error_rate) + z * z / 4)
        ) / (call_count + z * z) as lower_rate,
    from counted
)

select
    -- Whose calls: the agent, or else the webhook that got the first event.
    whom,
    -- Calls that began in these hours.
    call_count,
    -- Of these, calls with an error.
    error_call_count,
    -- error_call_count of call_count.
    error_rate,
    -- The least true share that is plausible.
    lower_rate,
    -- What it may be: the setting error_rate.
    getvariable('error_rate') as limit_rate,
    -- The hours that were looked at: the setting error_rate_hours.
    getvariable('error_rate_hours') as hours,
from bounded
where call_count >= getvariable('error_rate_calls') and lower_rate > limit_rate
order by whom
