-- How many calls there are to look through in each hour, with texts or without, newest first, and how
-- many of them are of those asked for.
select
    make_timestamptz(epoch_us(first_event_at) // 3_600_000_000 * 3_600_000_000) as starts_at,
    count(*) as calls,
    count(*) filter (
        ($webhook::varchar is null or webhook = $webhook)
        and ($agent::varchar is null or coalesce(agent, 'unknown') = $agent)
        and ($direction::varchar is null or coalesce(direction, 'unknown') = $direction)
    ) as asked_for,
from analytics.call_summary
where first_event_at >= $since and first_event_at < $until
group by starts_at
order by starts_at desc
