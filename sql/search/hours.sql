-- How many calls there are to look through in each hour, with texts or without, newest first.
select
    make_timestamptz(epoch_us(first_event_at) // 3_600_000_000 * 3_600_000_000) as starts_at,
    count(*) as calls,
from fluents.calls
where first_event_at >= $since and first_event_at < $until
group by starts_at
order by starts_at desc
