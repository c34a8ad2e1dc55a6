-- A webhook without a delivery for much longer than is usual at that time of the week. Its silence,
-- from the newest delivery on, is compared with the same stretch of the week in each of the weeks
-- before it: the second quietest of them must have had at least so many calls as the limit says.
-- Where calls come independently of each other, a stretch in which 15 are expected has none by
-- chance once in three million times. The second quietest, so that one odd week, a holiday or an
-- earlier silence, hides nothing. Where nobody calls at night, and in a warehouse younger than
-- those weeks, there are no such calls, so nothing is found. What waits in the buffer is no
-- silence: time ends here where the first delivery begins to wait. A webhook that has been silent
-- for two weeks is taken for one that is not used any more.
-- severity: critical
-- says: No delivery has come to the webhook {webhook} for {silent_for}, since {last_received_at}.
--   At this time of the week it usually has at least {usual_call_count} calls in such a stretch.
-- link: docs/alerts.md#silence
-- limits: silence = 15 (1 to 1000000): calls that the same stretch of the week must usually have;
--   silence_weeks = 4 (2 to 26): weeks before it that are looked at;
--   silence_minutes = 15 (1 to 10080): a shorter silence is never reported
-- grain: one webhook that is silent
-- key: webhook
-- questions: Does nothing arrive any more? Since when?
with

received as (
    select webhook, received_at
    from fluents.events
    where received_at between getvariable('now') - interval 15 days and getvariable('now')
    union all by name
    select webhook, received_at
    from fluents.quarantine
    where received_at between getvariable('now') - interval 15 days and getvariable('now')
),

newest as (
    select webhook, max(received_at) as last_received_at
    from received
    group by webhook
),

silent as (
    select
        webhook,
        last_received_at,
        coalesce(getvariable('waiting_since'), getvariable('now')) - last_received_at as silent_for,
    from newest
    where
        silent_for >= to_seconds(getvariable('silence_minutes') * 60)
        and silent_for <= interval 14 days
),

weeks as (select unnest(range(1, getvariable('silence_weeks')::bigint + 1)) as weeks_before),

-- In local time, as people call by the clock, also in the week in which it is changed.
stretches as (
    select
        webhook,
        weeks_before,
        ((last_received_at at time zone getvariable('time_zone')) - to_weeks(weeks_before::integer))
            at time zone getvariable('time_zone') as began_at,
        began_at + least(silent_for, interval 7 days) as ended_at,
    from silent, weeks
),

counted as (
    select stretches.webhook, weeks_before, count(calls.call_id) as call_count
    from stretches
    left join fluents.calls
        on calls.webhook = stretches.webhook
        and calls.first_event_at > stretches.began_at
        and calls.first_event_at <= stretches.ended_at
    group by all
),

usual as (
    select webhook, list_sort(list(call_count))[2] as usual_call_count
    from counted
    group by webhook
)

select
    -- Label of the webhook.
    webhook,
    -- Receipt of its newest delivery.
    last_received_at,
    -- How long nothing has come since.
    silent_for,
    -- Calls that began in the same stretch of the second quietest of the weeks before.
    usual_call_count,
from silent
inner join usual using (webhook)
where usual_call_count >= getvariable('silence')
order by webhook
