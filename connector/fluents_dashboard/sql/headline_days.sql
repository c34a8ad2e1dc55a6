-- The headline figures day by day.
select
    figure,
    first_event_on as day,
    sum(numerator) as numerator,
    sum(denominator)::bigint as denominator,
from analytics.headline_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by all
order by all
