-- The newest calls before $until, at most $calls and those of the same instant as the last of them:
-- since when they are, until when their events came, and how many they are.
with

newest as (
    select first_event_at
    from analytics.call_summary
    where first_event_at < $until and first_event_at >= $since
    order by first_event_at desc
    limit $calls
)

select
    min(first_event_at) as begins_at,
    max(last_event_at) as last_event_at,
    count(*) as call_count,
from analytics.call_summary
where first_event_at >= (select min(first_event_at) from newest) and first_event_at < $until
