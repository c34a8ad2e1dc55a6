-- Each agent's headline figures of the days shown and of as many days before.
select
    agent,
    figure,
    any_value(unit) as unit,
    sum(numerator) filter (first_event_on >= $from_day) as numerator,
    sum(denominator) filter (first_event_on >= $from_day)::bigint as denominator,
    sum(numerator) filter (first_event_on < $from_day) as numerator_before,
    sum(denominator) filter (first_event_on < $from_day)::bigint as denominator_before,
from analytics.headline_daily
where is_shown(
    first_event_on, webhook, agent, direction, $before_day, $until_day, $webhook, $agent, $direction
)
group by all
order by all
