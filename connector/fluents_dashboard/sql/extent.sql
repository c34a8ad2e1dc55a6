-- What there is to choose from.
select
    min(first_event_on) as first_day,
    max(first_event_on) as last_day,
    list(distinct webhook order by webhook) as webhooks,
    coalesce(
        list(distinct agent order by agent) filter (agent is not null), []
    ) as agents,
    (select count(*) from fluents.events) as event_count,
from analytics.call_summary
