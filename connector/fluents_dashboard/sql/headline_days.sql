-- The headline figures by day or month ($grain).
select
    figure,
    strftime(date_trunc($grain, first_event_on), '%Y-%m-%d 00') as step,
    sum(numerator) as numerator,
    sum(denominator)::bigint as denominator,
from analytics.headline_daily
where is_shown(
    first_event_on, webhook, agent, direction, $from_day, $until_day, $webhook, $agent, $direction
)
group by all
order by all
