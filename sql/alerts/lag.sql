-- What was received has waited too long for readers to see it: it is in the buffer and in no
-- published warehouse. No statistic is needed: one delivery that waits so long is a fault of the
-- loader, whatever else is going on. It selects from no table, so it is also found when the
-- warehouse cannot be read.
-- severity: critical
-- says: {waiting_count} deliveries wait to be loaded and published, the oldest for {waiting_for},
--   since {waiting_since}. {cause}
-- link: docs/alerts.md#lag
-- limits: lag = 30 (1 to 43200): minutes that a delivery may wait
-- grain: the buffer
-- key: subject
-- questions: Is everything loaded? Why not?
select
    -- What lags: always buffer.
    'buffer' as subject,
    -- Deliveries in the buffer that the published warehouse does not hold.
    getvariable('waiting_count') as waiting_count,
    -- Receipt of the oldest of them.
    getvariable('waiting_since') as waiting_since,
    -- How long that has waited.
    getvariable('now') - waiting_since as waiting_for,
    -- Why, as far as the last load says.
    coalesce(
        -- not what it says, which may quote a delivery
        case
            when getvariable('load_error') is not null
            then 'The last load failed: `fluents-warehouse status` shows why.'
        end,
        getvariable('publish_waits'),
        'Is `fluents-warehouse run`, or what starts your loads, running?'
    ) as cause,
where waiting_for > to_seconds(getvariable('lag') * 60)
